// The whiteboard. A line is sent in pieces while it is drawn. What this page has drawn
// itself is shown at once, and stays pending until the server has put it in its place.
import { io } from '/socket.io/socket.io.esm.min.js';

const COLORS = ['#000000', '#c81e1e', '#15803d', '#1d4ed8', '#c2570c', '#ffffff'];
const INTERVAL = 50; // milliseconds between two pieces, and two positions of the cursor
const STEP = 20; // units that an arrow key moves
const MAX_POINTS = 256; // that the server takes at once

const ui = Object.fromEntries(['state', 'tools', 'width', 'clear', 'board', 'canvas'].map((id) => [id, document.getElementById(id)]));
const paper = ui.canvas.getContext('2d');
const socket = io();

let me = 0; // this page's number; 0 while it may not draw
let strokes = []; // as the server has them
let pending = [];

// ---- Drawing ----

function paint({ color, width, points: [x, y, ...rest] }) {
  paper.strokeStyle = COLORS[color];
  paper.lineWidth = width;
  paper.lineCap = 'round';
  paper.lineJoin = 'round';
  paper.beginPath();
  paper.moveTo(x, y);
  paper.lineTo(x, y);
  for (let i = 0; i < rest.length; i += 2) paper.lineTo(rest[i], rest[i + 1]);
  paper.stroke();
}

let frame = 0;

/** Paints everything, once a frame however much comes. */
function repaint() {
  frame ||= requestAnimationFrame(() => {
    frame = 0;
    paper.clearRect(0, 0, ui.canvas.width, ui.canvas.height);
    strokes.forEach(paint);
    pending.forEach(paint);
    ui.canvas.setAttribute('aria-label', `The whiteboard, with ${strokes.length} strokes`);
  });
}

function draw(points) {
  const stroke = { color: Number(ui.tools.elements.color.value), width: Number(ui.width.value), points };
  pending.push(stroke);
  paint(stroke);
  socket.emit('stroke', stroke);
}

// ---- The pen ----

const bounded = (value, most) => Math.min(Math.max(Math.round(value), 0), most);

function position(event) {
  const box = ui.canvas.getBoundingClientRect();
  return [
    bounded(((event.clientX - box.left) / box.width) * ui.canvas.width, ui.canvas.width),
    bounded(((event.clientY - box.top) / box.height) * ui.canvas.height, ui.canvas.height),
  ];
}

let line = null; // the points of the next piece; null: the pen is up
let unsent = false; // whether the line has more than the last piece's end
let at = null; // where the pen is, if others are still to be told
let timer = 0;

function flush() {
  clearTimeout(timer);
  timer = 0;
  // Volatile: left out while the connection is busy, so it has to come before the line.
  if (me && at) socket.volatile.emit('cursor', ...at);
  at = null;
  if (me && unsent) {
    draw(line);
    line = line.slice(-2); // the next piece begins where this one ends
  }
  unsent = false;
}

function later() {
  timer ||= setTimeout(flush, INTERVAL);
}

ui.canvas.addEventListener('pointerdown', (event) => {
  if (!me || event.button !== 0 || !event.isPrimary) return; // one finger draws
  ui.canvas.setPointerCapture(event.pointerId);
  line = position(event);
  unsent = true;
  later();
});
ui.canvas.addEventListener('pointermove', (event) => {
  if (!me || !event.isPrimary) return;
  at = position(event);
  if (line) {
    line.push(...at);
    unsent = true;
    if (line.length === 2 * MAX_POINTS) flush();
  }
  later();
});
for (const end of ['pointerup', 'pointercancel']) {
  ui.canvas.addEventListener(end, (event) => {
    if (!event.isPrimary) return;
    flush();
    line = null;
  });
}

const ARROWS = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] };
let pen = [ui.canvas.width / 2, ui.canvas.height / 2]; // the keyboard's

ui.canvas.addEventListener('keydown', (event) => {
  const move = ARROWS[event.key];
  if (!move || !me) return;
  event.preventDefault();
  const to = [bounded(pen[0] + move[0], ui.canvas.width), bounded(pen[1] + move[1], ui.canvas.height)];
  if (event.shiftKey) draw([...pen, ...to]);
  pen = to;
  showCursor(0, ...pen);
  at = pen;
  later();
});
ui.canvas.addEventListener('blur', () => forget(0));

// ---- Cursors, the keyboard's own as 0 ----

const cursors = new Map(); // by number

function showCursor(by, x, y) {
  let cursor = cursors.get(by);
  if (!cursor) {
    cursor = document.createElement('span');
    cursor.className = by ? 'cursor' : 'cursor mine';
    cursor.textContent = by || 'you';
    cursors.set(by, cursor);
    ui.board.append(cursor);
  }
  cursor.style.left = `${(100 * x) / ui.canvas.width}%`;
  cursor.style.top = `${(100 * y) / ui.canvas.height}%`;
}

function forget(by) {
  cursors.get(by)?.remove();
  cursors.delete(by);
}

// ---- The server ----

socket.on('picture', ({ you, strokes: all }) => {
  me = you;
  strokes = all;
  repaint();
  ui.state.textContent = 'Connected';
});
socket.on('stroke', (stroke) => {
  if (stroke.by === me) pending.shift();
  strokes.push(stroke);
  while (strokes[0].id < stroke.first) strokes.shift();
  repaint();
});
socket.on('cleared', () => {
  strokes = [];
  repaint();
});
socket.on('cursor', showCursor);
socket.on('left', forget);
socket.on('disconnect', () => {
  me = 0;
  line = null;
  unsent = false;
  pending = []; // what got there is in the next picture
  [...cursors.keys()].forEach(forget);
  repaint();
  ui.state.textContent = 'Not connected: you cannot draw now';
});
ui.clear.addEventListener('click', () => me && socket.emit('clear'));
