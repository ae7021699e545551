// The page: shows the event "people". What others wrote is only ever set as text.
import { io } from '/socket.io/socket.io.esm.min.js';

const find = (id) => document.getElementById(id);
const socket = io({ autoConnect: false, auth: (give) => give({ name: find('name').value }) });

function item({ name, server, status }) {
  const made = document.createElement('li');
  const more = document.createElement('small');
  more.textContent = ` at ${server}`;
  made.append(status === '' ? name : `${name}: ${status}`, more);
  return made;
}

socket.on('people', (people, complete) => {
  find('people').replaceChildren(...people.map(item));
  find('incomplete').hidden = complete;
});
socket.on('connect', () => {
  find('enter').hidden = true;
  find('inside').hidden = false;
  find('problem').textContent = '';
  find('state').textContent = 'Connected';
});
socket.on('disconnect', () => { find('state').textContent = 'Not connected; what is shown may be old'; });
socket.on('connect_error', (error) => {
  if (!socket.active) { // the server has refused
    find('problem').textContent = error.message;
  }
});

find('enter').addEventListener('submit', (event) => {
  event.preventDefault();
  socket.connect();
});
find('change').addEventListener('submit', async (event) => {
  event.preventDefault();
  find('problem').textContent = await socket.emitWithAck('status', find('status').value).catch(() => 'The connection was lost.');
});
