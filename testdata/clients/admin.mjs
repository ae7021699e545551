// Plays the Socket.IO Admin UI: a wrong login, a right one, then an ordinary client
// comes, talks, is moved, spoken to and disconnected, and the UI follows it. At the
// end it comes back with its session.
import { connected, inbox, main, open } from './common.mjs';

const PASSWORD = 'pass wörd';

/** Connects to the admin namespace as the UI does. */
function ui(config, auth) {
  const url = `${config.url}/admin`;
  return open({ ...config, url }, { withCredentials: true, auth });
}

/** Collects what a UI is told. told(event, match) waits for one that matches. */
function notebook(socket) {
  const notes = [];
  const waiting = new Set();
  socket.onAny((event, ...args) => {
    notes.push({ event, args });
    waiting.forEach((look) => look());
  });
  const told = (event, match = () => true) => new Promise((resolve) => {
    const look = () => {
      const note = notes.find((n) => n.event === event && match(...n.args));
      if (note) {
        waiting.delete(look);
        resolve(note.args);
      }
    };
    waiting.add(look);
    look();
  });
  return { notes, told };
}

export default async function admin(config, report) {
  const stranger = ui(config, { username: 'root', password: 'wrong' });
  const message = await new Promise((resolve) => {
    stranger.on('connect_error', (err) => resolve(err.message));
  });
  report('refused', { message });
  stranger.disconnect();

  const socket = ui(config, { username: 'root', password: PASSWORD });
  const { notes, told } = notebook(socket);
  await connected(socket);
  const [session] = await told('session');
  const [{ supportedFeatures }] = await told('config');
  report('config', { features: supportedFeatures });
  await told('all_sockets');
  await told('server_stats', (stats) => stats.namespaces.some((n) => n.name === '/admin' && n.socketsCount === 1));
  report('seen', await follow(config, socket, notes, told));
  socket.disconnect();

  const again = ui(config, { sessionId: session });
  const first = await new Promise((resolve) => {
    again.onAny((event) => {
      if (event === 'config' || event === 'session') {
        resolve(event);
      }
    });
  });
  report('again', { first });
  again.disconnect();
}

async function follow(config, socket, notes, told) {
  const client = open(config);
  const next = inbox(client);
  await connected(client);
  const { id } = client;
  const gone = new Promise((resolve) => { client.on('disconnect', resolve); });
  const [{ rooms }] = await told('socket_connected', (s) => s.id === id && s.nsp === '/' && s.handshake.address === '127.0.0.1');
  // It begins with polling; the UI hears of the upgrade, unless it was sooner.
  const [{ transport }] = await Promise.race([
    told('socket_connected', (s) => s.id === id && s.transport === 'websocket'),
    told('socket_updated', (s) => s.id === id && s.nsp === '/' && s.transport === 'websocket'),
  ]);
  client.emit('message', 'hello');
  await next();

  socket.emit('join', '/', 'room', id);
  await told('room_joined', (nsp, room, who) => nsp === '/' && room === 'room' && who === id);
  const heard = new Promise((resolve) => { client.on('from above', resolve); });
  socket.emit('emit', '/', 'room', 'from above', 1);
  const emitted = await heard === 1;
  socket.emit('leave', '/', 'room');
  await told('room_left', (nsp, room, who) => nsp === '/' && room === 'room' && who === id);
  socket.emit('_disconnect', '/', true, id);
  await gone;
  const [, , reason] = await told('socket_disconnected', (nsp, who) => nsp === '/' && who === id);
  const events = notes.filter((n) => n.event.startsWith('event_') && n.args[1] === id);
  return {
    rooms, transport, joined: true, emitted, left: true, reason,
    events: events.map(({ event, args }) => `${event} ${JSON.stringify(args[2])}`),
  };
}

await main(import.meta, admin);
