// The dashboard: shows the event "values" and the announcements.
import { io } from '/socket.io/socket.io.esm.min.js';

const MINUTE = 60; // values of the curve
const KEPT = 20; // announcements on the page

const ui = Object.fromEntries(
  ['state', 'clients', 'goroutines', 'heap', 'uptime', 'curve', 'announcements', 'none'].map((id) => [id, document.getElementById(id)]),
);
const heaps = [];

function showValues({ clients, goroutines, heapMiB, uptime }) {
  ui.clients.textContent = clients;
  ui.goroutines.textContent = goroutines;
  ui.heap.textContent = `${heapMiB.toFixed(1)} MiB`;
  ui.uptime.textContent = `${uptime} s`;
  heaps.push(heapMiB);
  if (heaps.length > MINUTE) heaps.shift();
  const most = Math.max(...heaps);
  ui.curve.setAttribute('points', heaps.map((heap, x) => `${x},${20 - (19 * heap) / most}`).join(' '));
}

/** What others wrote is only ever set as text. */
function showAnnouncement({ at, text }) {
  const item = document.createElement('li');
  const time = document.createElement('time');
  time.dateTime = at;
  time.textContent = new Date(at).toLocaleTimeString();
  const words = document.createElement('span');
  words.textContent = text;
  item.append(time, ' ', words);
  ui.announcements.prepend(item);
  if (ui.announcements.children.length > KEPT) ui.announcements.lastElementChild.remove();
  ui.none.hidden = true;
}

const socket = io();
socket.on('connect', () => { ui.state.textContent = 'Connected'; });
socket.on('disconnect', () => { ui.state.textContent = 'Not connected; what is shown may be old'; });
socket.on('values', showValues);
socket.on('announcements', (all) => {
  ui.announcements.replaceChildren();
  ui.none.hidden = false;
  all.forEach(showAnnouncement);
});
socket.on('announcement', showAnnouncement);
