// The chat on socket.io with its defaults. It names its address on stderr.
// BENCH_TLS names a folder with cert.pem and key.pem, BENCH_COMPRESSION turns permessage-deflate on.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createTLSServer } from 'node:https';
import { Server } from 'socket.io';
import { chat } from './chat.mjs';

const { BENCH_TLS: tls, BENCH_COMPRESSION: compression } = process.env;
const http = tls
  ? createTLSServer({ cert: readFileSync(`${tls}/cert.pem`), key: readFileSync(`${tls}/key.pem`) })
  : createServer();
chat(new Server(http, compression ? { perMessageDeflate: true } : {}));
http.listen(0, '127.0.0.1', () => console.error(`listening on 127.0.0.1:${http.address().port}`));
