// The chat, and what some rows need besides, for node.mjs and bun.mjs.
export function chat(io) {
  io.on('connection', (socket) => {
    console.log('Client connected');
    socket.on('message', (message) => {
      console.log('Received message:', message);
      io.emit('message', message);
    });
    socket.on('rtt', (message, ack) => ack());
    socket.on('join', (first, count, ack) => {
      for (let i = first; i < first + count; i++) socket.join(`r${i}`);
      ack();
    });
    socket.on('say', (room, message) => io.to(room).emit('message', message));
    socket.on('disconnect', () => console.log('Client disconnected'));
  });
  io.of(/^\/n\d+$/).on('connection', (socket) => {
    socket.on('message', (message) => socket.nsp.emit('message', message));
  });
}
