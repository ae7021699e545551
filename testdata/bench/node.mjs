// The chat on socket.io with its defaults. It names its address on stderr.
import { createServer } from 'node:http';
import { Server } from 'socket.io';

const http = createServer();
const io = new Server(http);

io.on('connection', (socket) => {
  console.log('Client connected');
  socket.on('message', (message) => {
    console.log('Received message:', message);
    io.emit('message', message);
  });
  socket.on('rtt', (message, ack) => ack());
  socket.on('disconnect', () => console.log('Client disconnected'));
});

http.listen(0, '127.0.0.1', () => console.error(`listening on 127.0.0.1:${http.address().port}`));
