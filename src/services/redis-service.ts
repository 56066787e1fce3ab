/** Owns Redis, or Valkey, as a local service: its configuration, and how one sees that it serves. */
import { createConnection } from 'node:net';
import { findOnPath } from './find-binary.ts';
import type { Answer, ConfigOptions, ProbeOptions, ServiceKind } from './service-kind.ts';

const PROGRAMS = ['redis-server', 'valkey-server'] as const;

/** What is written survives `nika down`; what does not fit is refused, never thrown away: streams are no cache. */
const config = ({ port, secret }: ConfigOptions): string =>
  [
    '# Written by "nika up" at each start. The folder it runs in holds the data.',
    'bind 127.0.0.1',
    'protected-mode yes',
    `port ${port}`,
    `requirepass ${secret.reveal()}`,
    'daemonize no',
    'save ""',
    'appendonly yes',
    'maxmemory 1gb',
    'maxmemory-policy noeviction',
    '',
  ].join('\n');

const command = (...parts: readonly string[]): string =>
  `*${parts.length}\r\n${parts.map((part) => `$${Buffer.byteLength(part)}\r\n${part}\r\n`).join('')}`;

const answerOf = (text: string): Answer | undefined => {
  if (text.startsWith('+OK\r\n+PONG\r\n')) return 'ready';
  const lines = text.split('\r\n');
  if (lines.length < 3) return undefined; // more is to come
  return lines.some((line) => line.startsWith('-LOADING')) ? 'busy' : 'stranger';
};

/** By a bare socket: the client of Redis takes longer to load than the server to start. */
const probe = async ({ port, secret, withinMs }: ProbeOptions): Promise<Answer> => {
  const { promise, resolve } = Promise.withResolvers<Answer>();
  const socket = createConnection({ host: '127.0.0.1', port });
  const timer = setTimeout(() => resolve('silent'), withinMs);
  let text = '';
  socket.setEncoding('latin1');
  socket.on('connect', () => socket.write(command('AUTH', secret.reveal()) + command('PING')));
  socket.on('data', (chunk) => {
    text += String(chunk);
    const answer = text.length > 4096 ? 'stranger' : answerOf(text);
    if (answer !== undefined) resolve(answer);
  });
  socket.on('error', () => resolve('silent'));
  socket.on('close', () => resolve('silent'));
  const answer = await promise;
  clearTimeout(timer);
  socket.destroy();
  return answer;
};

export const redisService: ServiceKind = {
  name: 'redis',
  programs: PROGRAMS,
  find: ({ env }) => findOnPath(PROGRAMS, env['PATH']),
  missing: {
    what: 'neither redis-server nor valkey-server is on the PATH',
    remedy: 'Install one: "sudo apt-get install redis-server" on Debian, "brew install redis" on macOS.',
  },
  config,
  configFile: 'redis.conf',
  args: (configPath) => [configPath],
  env: {},
  urlOf: (port) => `redis://127.0.0.1:${port}`,
  user: 'default', // without a name redis-cli logs in as the user "", whom nobody knows
  probe,
};
