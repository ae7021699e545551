const socket = new WebSocket('ws://localhost:5000');

socket.onopen = function(event) {
    console.log('Connected to server');
    socket.send('Hello, server!');
};

socket.onmessage = function(event) {
    console.log('Received message:', event.data);
};

socket.onclose = function(event) {
    console.log('Disconnected from server');
};
