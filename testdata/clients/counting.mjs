// Many clients that count what they are sent through whichever server they come back to:
// each number is one more than the one before, as long as the client is told that it came
// back to its session. Half of them poll.
//
// Clients are in a room, numbered from 0, and hear the event "all", which everybody is sent,
// and "room", which its room is. Both end with the number -1.
import { main, open } from './common.mjs';

const ROOMS = 10;
const SHOWN = 5;

export default async function counting(config, report) {
  const seen = { recovered: 0, heard: 0, faults: [] };
  const ends = [];
  const sockets = [];
  const starts = [];
  for (let i = 0; i < config.count; i++) {
    const mode = i % 2 ? 'websocket' : config.mode;
    const socket = open({ ...config, mode }, {
      reconnection: true, reconnectionDelay: 20, reconnectionDelayMax: 200, timeout: 5000,
    });
    sockets.push(socket);
    let next = {};
    let known = '';
    const room = `room${i % ROOMS}`;
    socket.joined = false;
    const joined = new Promise((resolve) => {
      socket.on('connect', () => {
        if (known && socket.recovered) {
          seen.recovered += 1;
          if (socket.id !== known) fault(i, 'id', socket.id, known);
        } else {
          socket.fresh = true;
          next = {};
          socket.joined = false;
        }
        known = socket.id;
        if (socket.joined) { // by an answer, which goes at once: an event would tell what was some time ago
          socket.emit('rooms', (rooms, data) => {
            if (!rooms.includes(room) || data !== i) fault(i, 'rooms', `${rooms}, ${data}`, `${room}, ${i}`);
          });
        } else { // as a new client, or one that was cut off before it was answered
          socket.emit('join', room, i, () => {
            socket.joined = true;
            resolve();
          });
        }
      });
    });
    for (const event of ['all', 'room']) {
      ends.push(new Promise((resolve) => {
        socket.on(event, (n) => {
          seen.heard += 1;
          if (n === -1) {
            resolve();
          } else {
            if (next[event] !== undefined && n !== next[event]) fault(i, event, n, next[event]);
            next[event] = n + 1;
          }
        });
      }));
    }
    starts.push(joined);
  }
  function fault(client, what, got, want) {
    seen.faults.push(`client ${client}: ${what}: ${got}, want ${want}`);
  }
  await Promise.all(starts);
  for (const socket of sockets) socket.fresh = false; // from here on those that began anew
  report('joined', { count: config.count });
  const count = (is) => sockets.filter(is).length;
  const state = () => ({ recovered: seen.recovered, fresh: count((s) => s.fresh), connected: count((s) => s.connected && s.joined) });
  const every = setInterval(() => report('state', state()), 100);
  await Promise.all(ends);
  clearInterval(every);
  report('counted', { ...state(), heard: seen.heard, faults: seen.faults.slice(0, SHOWN), wrong: seen.faults.length });
  for (const socket of sockets) socket.disconnect();
  process.stdout.write('', () => process.exit(0)); // not after the last attempt to connect has timed out
}

await main(import.meta, counting);
