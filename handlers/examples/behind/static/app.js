// What comes from the sockets. Names are shown with textContent, never as HTML.
import { io } from '/socket.io/socket.io.esm.min.js';

const find = (id) => document.getElementById(id);
const socket = io();

socket.on('readers', (names) => {
  find('readers').replaceChildren(...names.map((name) => {
    const item = document.createElement('li');
    item.textContent = name;
    return item;
  }));
});

socket.on('signed', (name) => {
  const link = document.createElement('a');
  link.href = '/';
  link.textContent = 'Show it';
  find('news').replaceChildren(`${name} has signed. `, link);
});

// The page that Flask answers a signature with tells the others.
if (document.querySelector('.signed')) {
  socket.once('connect', () => socket.emit('signed'));
}
