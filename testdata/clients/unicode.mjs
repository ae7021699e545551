// Texts beyond ASCII, which each protocol version and transport encodes in its own way.
import { connected, echo, inbox, main, open } from './common.mjs';

export default async function unicode(config, report) {
  await echo(config, report, [
    ['latin', 'Grüße, naïve café'],
    ['cjk', '实时聊天应用'],
    ['emoji', '👋🏽 👩‍👩‍👧‍👦 🏳️‍🌈'],
    ['astral', '𝒳𐍈\u{10ffff}'],
    ['combining', 'e\u0301 \u1112\u1161\u11ab'],
    ['right to left', 'שלום \u202eعالم\u202c'],
    ['separators', 'a\u2028b\u2029c\u0085d'],
    ['control', 'nul \u0000 unit \u001f record \u001e delete \u007f'],
    ['noncharacters', '\ufeff \ufffd \uffff'],
    ['in an object', { ключ: 'значение', '🔑': ['🗝️'] }],
  ]);
  await loneSurrogate(config, report);
}

// What becomes of half a surrogate pair is open. The connection has to live on.
async function loneSurrogate(config, report) {
  const socket = open(config);
  const next = inbox(socket);
  await connected(socket);
  const sent = 'after the lone surrogate';
  socket.emit('message', 'lone \ud83d surrogate');
  socket.emit('message', sent);
  let args;
  do {
    args = await next();
  } while (args[0] !== sent);
  report('surrogate', { sent, args });
  socket.disconnect();
}

await main(import.meta, unicode);
