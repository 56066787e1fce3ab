/** Checks that each room of `src/` imports only what the design allows, and each library only where it is at home. */
import { globSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';

const root = join(import.meta.dirname, '..');

/** Every room may import these; `config` for its types only. */
const BASE = ['model', 'log', 'failopen'];

/** What a room may import besides itself and the base. `*`: anything. */
const ADDS: Readonly<Record<string, readonly string[]>> = {
  model: [],
  config: [],
  log: [],
  failopen: [],
  bus: [],
  redis: [],
  ipc: ['redis'],
  telemetry: ['redis'],
  hooks: [],
  services: ['config', 'bus'],
  notify: ['config'],
  memory: ['bus'],
  recorder: ['bus', 'redis', 'ipc', 'telemetry', 'memory'],
  pod: ['config', 'hooks', 'recorder', 'bus', 'redis', 'ipc', 'telemetry', 'notify', 'memory'],
  swarm: ['config', 'bus', 'redis', 'ipc', 'telemetry', 'recorder', 'pod', 'notify', 'memory'],
  agents: ['config', 'hooks', 'recorder', 'bus', 'pod', 'mcp'],
  mcp: ['config', 'hooks', 'bus', 'redis', 'ipc', 'memory', 'pod', 'swarm'],
  doctor: ['config', 'bus', 'redis', 'pod', 'recorder', 'notify', 'memory'],
  cli: ['*'],
  'index.ts': ['*'],
};

/** A process of its own composes, as the commands do, wherever its file lies. */
const PROCESSES: readonly string[] = ['src/pod/launch/supervise-worker.ts'];

/** The base itself is narrower. */
const BASE_OF: Readonly<Record<string, readonly string[]>> = {
  model: [],
  config: ['model', 'failopen'],
  log: ['model', 'failopen'],
  failopen: ['model', 'log'],
};

/** Who may import which library; `zod` is everybody's. */
const OWNERS: Readonly<Record<string, readonly string[]>> = {
  pino: ['log'],
  'sonic-boom': ['log'],
  yaml: ['config'],
  commander: ['cli'],
  'get-east-asian-width': ['cli'],
  chokidar: ['bus', 'config'],
  tinyglobby: ['pod'],
  'jsonc-parser': ['agents'],
  diff: ['cli'],
  ioredis: ['redis'],
  ajv: ['ipc'],
  bullmq: ['swarm'],
  '@qdrant/js-client-rest': ['memory'],
  'gpt-tokenizer': ['swarm'],
  '@modelcontextprotocol/sdk': ['mcp'],
  zod: ['*'],
};

/** Files that load a heavy client: reached by `import()` alone, so that what does not need it does not load it. */
const LAZY: readonly string[] = [
  'src/redis/client.ts',
  'src/mcp/serve.ts',
  'src/ipc/contracts/json-schema.ts',
  'src/memory/qdrant/client.ts',
];

interface Import {
  readonly file: string;
  readonly line: number;
  readonly target: string;
  readonly isType: boolean;
  /** By `import()`. */
  readonly isLazy: boolean;
}

const IMPORT = /(?:^|\n)\s*(?:import|export)\s+(type\s+)?(?:[^'";]*?\sfrom\s+)?'([^']+)'|import\('([^']+)'\)/g;

const importsOf = (file: string): readonly Import[] => {
  const text = readFileSync(join(root, file), 'utf8');
  return Array.from(text.matchAll(IMPORT), (match) => ({
    file,
    line: text.slice(0, match.index + match[0].indexOf(match[2] ?? match[3] ?? '')).split('\n').length,
    target: match[2] ?? match[3] ?? '',
    isType: match[1] !== undefined,
    isLazy: match[3] !== undefined,
  }));
};

const roomOf = (path: string): string => path.split('/')[1] ?? '';

const judgeRoom = ({ file, target, isType, isLazy }: Import): string | undefined => {
  const room = roomOf(file);
  const path = posix.join(posix.dirname(file), target);
  const other = roomOf(path);
  if (LAZY.includes(path) && !isType && !isLazy) return `${path} may be loaded only where it is needed, with import()`;
  const adds = ADDS[room];
  if (adds === undefined) return `the room ${room}/ is not in the table of scripts/check-rooms.ts`;
  if (PROCESSES.includes(file) || other === room || adds.includes('*') || adds.includes(other)) return undefined;
  if ((BASE_OF[room] ?? BASE).includes(other)) return undefined;
  if (other === 'config' && isType && BASE_OF[room] === undefined) return undefined;
  return `${room}/ may not import ${other}/${other === 'config' ? ' (but its types, with "import type")' : ''}`;
};

const judgeLibrary = ({ file, target, isType, isLazy }: Import): string | undefined => {
  const name = target.startsWith('@') ? target.split('/').slice(0, 2).join('/') : (target.split('/')[0] ?? '');
  const owners = OWNERS[name];
  if (owners === undefined) return `${name} has no owner in scripts/check-rooms.ts`;
  const isHeavy = [
    'ioredis',
    'bullmq',
    '@modelcontextprotocol/sdk',
    'gpt-tokenizer',
    '@qdrant/js-client-rest',
  ].includes(name);
  if (isHeavy && !isType && !isLazy && !LAZY.includes(file)) return `${name} belongs into ${LAZY.join(' or ')}`;
  return isType || owners.includes('*') || owners.includes(roomOf(file))
    ? undefined
    : `${name} belongs to ${owners.join(', ')}/`;
};

const isTest = (file: string): boolean => file.endsWith('.test.ts');
const files = globSync('src/**/*.ts', { cwd: root }).filter((file) => !isTest(file));
const problems = files.flatMap(importsOf).flatMap((one) => {
  if (one.target.startsWith('node:')) return [];
  const problem = one.target.startsWith('.') ? judgeRoom(one) : judgeLibrary(one);
  return problem === undefined ? [] : [`${one.file}:${one.line}: ${problem}`];
});

for (const room of new Set(files.map(roomOf))) {
  if (!(room in ADDS)) problems.push(`src/${room} is not in the table of scripts/check-rooms.ts`);
}
if (files.length === 0) problems.push('no source files were found: this check would check nothing');
for (const problem of problems) console.error(problem);
console.log(`rooms: ${files.length} files, ${problems.length} problems`);
process.exitCode = problems.length === 0 ? 0 : 1;
