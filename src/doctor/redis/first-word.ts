/** Owns the first word of a server that does not get ready: by it one that loads its data is told from one that hangs. */
import { createConnection } from 'node:net';
import type { RedisAt } from '../../config/redis/redis-settings.ts';

const MAX_CHARS = 120;

/** What stands there at once, in one line; `undefined`: nothing within the time, or it cannot be asked so simply. */
export const readFirstWord = async (at: RedisAt, withinMs: number): Promise<string | undefined> => {
  if (at.kind !== 'tcp' && at.kind !== 'unix') return undefined;
  const socket = createConnection(at.kind === 'tcp' ? { host: at.host, port: at.port } : { path: at.path });
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const timer = setTimeout(() => resolve(undefined), withinMs);
  socket.once('connect', () => socket.write('PING\r\n'));
  socket.once('data', (chunk: Buffer) => resolve(chunk.toString('latin1').split(/\r?\n/, 1)[0]?.slice(0, MAX_CHARS)));
  socket.once('error', () => resolve(undefined)); // the link has told of it
  const word = await promise;
  clearTimeout(timer);
  socket.destroy();
  return word;
};
