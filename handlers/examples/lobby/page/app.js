// The lobby's page. Names and titles are shown with textContent, never as HTML.
import { io } from '/socket.io/socket.io.esm.min.js';

const find = (id) => document.getElementById(id);
// A tab's own storage: two tabs are two players, and a reload is the same one.
const kept = sessionStorage;
const socket = io({
  autoConnect: false,
  auth: (give) => give({ name: kept.getItem('name'), token: kept.getItem('token') ?? '' }),
});
let me = ''; // our player's id

function show(part) {
  for (const id of ['enter', 'lobby', 'game']) {
    find(id).hidden = id !== part;
  }
}

/** Asks the server for something, and shows why not. */
async function ask(event, ...args) {
  const why = await socket.emitWithAck(event, ...args).catch(() => 'The connection was lost.');
  find('problem').textContent = why;
}

function button(text, label, act) {
  const made = document.createElement('button');
  made.textContent = text;
  made.setAttribute('aria-label', label);
  onPress(made, act);
  return made;
}

/** Fills a list anew; the button that has the focus keeps it, if there still is one. */
function list(id, items) {
  const focused = find(id).contains(document.activeElement) && document.activeElement.getAttribute('aria-label');
  find(id).replaceChildren(...items.map((parts) => {
    const item = document.createElement('li');
    item.append(...parts);
    return item;
  }));
  if (focused) {
    [...find(id).querySelectorAll('button')].find((other) => other.getAttribute('aria-label') === focused)?.focus();
  }
}

/** Reports whether a button can be used. One that is disabled would lose the focus. */
function allow(made, is) {
  made.setAttribute('aria-disabled', String(!is));
}

function onPress(made, act) {
  made.addEventListener('click', () => {
    if (made.getAttribute('aria-disabled') !== 'true') {
      act();
    }
  });
}

const named = ({ name, here, id }) => `${name}${id === me ? ' (you)' : ''}${here ? '' : ' (away)'}`;

function showLobby({ players, games }) {
  list('players', players.map((player) => [named(player)]));
  list('games', games.map(({ id, title, state, players: names }) => {
    const text = `${title}: ${names.join(' and ')}, ${state}`;
    const open = names.length < 2 && state !== 'playing';
    return open ? [text, ' ', button('Join', `Join ${title}`, () => ask('join', id))] : [text];
  }));
}

/** What there is to say of a game. */
function stand({ state, turn, winner, players }) {
  const player = (id) => players.find((seat) => seat.id === id);
  switch (state) {
    case 'playing':
      return turn === me ? 'Your turn.' : `${player(turn).name}'s turn.`;
    case 'over':
      return winner ? `${player(winner).name} has won.` : 'A draw.';
    default:
      return players.length < 2 ? 'Waiting for another player.' : 'Waiting until both are ready.';
  }
}

const cells = Array.from({ length: 9 }, (_, i) => button('', '', () => ask('move', i)));
find('board').append(...cells);

function showGame(game) {
  if (!game) {
    show('lobby');
    return;
  }
  const { title, state, players, board, turn } = game;
  show('game');
  find('game-title').textContent = title;
  list('seats', players.map((seat) => [`${seat.mark} ${named(seat)}${seat.ready ? ', ready' : ''}`]));
  find('stand').textContent = stand(game);
  cells.forEach((cell, i) => {
    cell.textContent = board[i];
    cell.setAttribute('aria-label', `Row ${Math.floor(i / 3) + 1}, column ${(i % 3) + 1}: ${board[i] || 'empty'}`);
    allow(cell, turn === me && board[i] === '');
  });
  const ready = players.find((seat) => seat.id === me)?.ready ?? false;
  find('ready').setAttribute('aria-pressed', String(ready));
  allow(find('ready'), state !== 'playing');
  allow(find('start'), state !== 'playing' && players[0].id === me && players.length === 2 && players.every((seat) => seat.ready));
}

socket.on('welcome', ({ id, token }) => {
  me = id;
  kept.setItem('token', token);
  find('problem').textContent = '';
  find('state').textContent = 'Connected';
  show('lobby'); // until a game is told of
});
socket.on('lobby', showLobby);
socket.on('game', showGame);
socket.on('disconnect', () => { find('state').textContent = 'Not connected'; });
socket.on('connect_error', (err) => {
  find('state').textContent = 'Not connected';
  if (!socket.active) { // refused
    find('problem').textContent = err.message;
    show('enter');
  }
});

find('enter').addEventListener('submit', (event) => {
  event.preventDefault();
  kept.setItem('name', find('name').value);
  socket.connect();
});
find('create').addEventListener('submit', (event) => {
  event.preventDefault();
  ask('create', find('title').value);
  find('title').value = '';
});
onPress(find('ready'), () => ask('ready', find('ready').getAttribute('aria-pressed') !== 'true'));
onPress(find('start'), () => ask('start'));
onPress(find('leave'), () => ask('leave'));

if (kept.getItem('name') === null) {
  show('enter');
} else {
  socket.connect();
}
