// Shows an order's state: Flask has it, and emits what becomes of it.
import { io } from '/socket.io/socket.io.esm.min.js';

const UNKNOWN = 'not known yet';
const TIMEOUT = 10_000; // milliseconds

const ui = Object.fromEntries(['connection', 'number', 'state', 'change'].map((id) => [id, document.getElementById(id)]));
const socket = io();
const address = () => `/orders/${ui.number.value}`;

/** Watches first and asks then, so that nothing can happen between the two. */
async function watch() {
  const asked = address();
  ui.state.textContent = UNKNOWN;
  try {
    await socket.timeout(TIMEOUT).emitWithAck('watch', Number(ui.number.value));
    const answer = await fetch(asked);
    const { state } = answer.ok ? await answer.json() : { state: 'unknown: Flask does not say' };
    if (asked === address() && ui.state.textContent === UNKNOWN) ui.state.textContent = state; // else there is news by now
  } catch {
    ui.connection.textContent = 'The server does not answer';
  }
}

socket.on('connect', () => {
  ui.connection.textContent = 'Connected';
  watch();
});
socket.on('disconnect', () => { ui.connection.textContent = 'Not connected; the state may be old'; });
socket.on('order', ({ number, state }) => {
  if (number === Number(ui.number.value)) ui.state.textContent = state;
});
ui.number.addEventListener('change', () => socket.connected && watch());
ui.change.addEventListener('submit', async (event) => {
  event.preventDefault();
  const answer = await fetch(address(), { method: 'POST', body: new URLSearchParams(new FormData(ui.change)) }).catch(() => null);
  if (!answer?.ok) ui.connection.textContent = 'The change was refused';
});
