/**
 * What nika costs a tool call of the real Claude Code: 50 tiny calls against a scripted model, with no hooks, with HTTP
 * hooks that an empty server answers, with a hook of node, as a pod, and as a pod whose Redis is stopped. What is compared
 * runs by turns; what counts is the life of the process of Claude Code itself. Then twenty pods at once.
 * The CLI has to be installed (npm run agents:install).
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { delimiter, join } from 'node:path';
import { AgentHome } from '../../test/agents/agent-home.ts';
import { AGENT_CLIS, binDirOf } from '../../test/agents/cli/cli-cache.ts';
import { RedisServer } from '../../test/servers/redis.ts';
import { fixed, machine, median, row } from './figures.ts';

process.env['NIKA_TEST_AGENTS_NETWORK'] ??= 'open';

const ROUNDS = Number(process.env['NIKA_BENCH_ROUNDS'] ?? 9);
const CALLS = 50;
const PODS = 20;
const CALLS_OF_EACH = 10;
const cli = AGENT_CLIS['claude-code'];
const EVENTS = ['PreToolUse', 'PostToolUse'] as const;

const scriptOf = (count: number) => ({
  main: Array.from({ length: count }, () => ({ calls: [cli.words.shell('true')] })),
});

/** A `claude` that writes down how long the real one lived, in milliseconds. */
const timedClaude = (home: AgentHome): { readonly bin: string; readonly tookMs: () => number } => {
  const bin = join(home.dir, 'timed');
  const log = join(home.dir, 'took');
  mkdirSync(bin);
  const real = join(binDirOf(cli), cli.program);
  writeFileSync(
    join(bin, 'claude'),
    `#!/bin/sh\nbegan=$(date +%s%N)\n'${real}' "$@"\ncode=$?\necho $(( $(date +%s%N) - began )) >'${log}'\nexit $code\n`,
  );
  chmodSync(join(bin, 'claude'), 0o755);
  return { bin, tookMs: () => Number(readFileSync(log, 'utf8')) / 1e6 };
};

const settingsOf = (hook: Readonly<Record<string, unknown>> | undefined): string =>
  JSON.stringify(
    hook === undefined ? {} : { hooks: Object.fromEntries(EVENTS.map((event) => [event, [{ hooks: [hook] }]])) },
  );

const startEmptyServer = async () => {
  const server = createServer((request, response) => {
    request.resume();
    request.once('end', () => response.writeHead(204).end());
  });
  server.keepAliveTimeout = 0;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => server.close() };
};

/** Claude Code without nika, as nika starts it but for the hooks. */
const runAlone = async (home: AgentHome, bin: string, settings: string): Promise<void> => {
  const file = join(home.dir, 'settings.json');
  writeFileSync(file, settings);
  const args = ['-p', '--output-format', 'stream-json', '--verbose', '--settings', file];
  const env = { ...home.environment, PATH: `${bin}${delimiter}${home.environment['PATH']}` };
  const more = ['--permission-mode', 'bypassPermissions', '--model', 'claude-sonnet-4-5'];
  const child = spawn('claude', [...args, ...more], { cwd: home.cwd, env, stdio: ['pipe', 'ignore', 'ignore'] });
  child.stdin.end('go');
  await once(child, 'exit');
};

const runPod = async (home: AgentHome, bin: string, env: Readonly<Record<string, string>>): Promise<void> => {
  const PATH = `${bin}${delimiter}${home.environment['PATH']}`;
  const started = home.start(['pod', 'start', 'claude', 'go', '-i', 'model=claude-sonnet-4-5', '-q'], { ...env, PATH });
  const { code, stderr } = await started.ended;
  if (code !== 0) throw new Error(`the pod failed: ${stderr}`);
};

/** Half of a 95 % interval of the mean, by Student's t. */
const T_95: Readonly<Record<number, number>> = { 6: 2.447, 8: 2.306, 10: 2.228, 14: 2.145, 20: 2.086 };
const halfInterval = (values: readonly number[]): number => {
  const n = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1);
  return (T_95[n - 1] ?? 2.3) * Math.sqrt(variance / n);
};

const compare = async (): Promise<void> => {
  await using home = await AgentHome.open('claude-code', scriptOf(CALLS));
  await using redis = await RedisServer.open();
  await using hung = await RedisServer.open();
  const empty = await startEmptyServer();
  const { bin, tookMs } = timedClaude(home);
  const nodeHook = join(home.dir, 'hook.mjs');
  writeFileSync(nodeHook, 'process.stdin.resume(); process.stdin.on("end", () => process.exit(0));');
  const http = { type: 'http', url: `${empty.url}/hook`, timeout: 5 };
  const node = { type: 'command', command: `${process.execPath} ${nodeHook}`, timeout: 5 };
  const ways = {
    'no hooks (reference)': () => runAlone(home, bin, settingsOf(undefined)),
    'empty HTTP endpoint': () => runAlone(home, bin, settingsOf(http)),
    'hook in node': () => runAlone(home, bin, settingsOf(node)),
    'nika, no Redis': () => runPod(home, bin, {}),
    'nika, Redis': () => runPod(home, bin, { NIKA_REDIS_URL: redis.url }),
    'nika, Redis stopped': () => runPod(home, bin, { NIKA_REDIS_URL: hung.url }),
  };
  const took = new Map<string, number[]>();
  hung.stop();
  for (let round = -1; round < ROUNDS; round += 1) {
    for (const [name, run] of Object.entries(ways)) {
      await run();
      if (round >= 0) took.set(name, [...(took.get(name) ?? []), tookMs()]);
    }
  }
  hung.cont();
  empty.close();
  const none = took.get('no hooks (reference)') ?? [];
  const added = (name: string): readonly number[] =>
    (took.get(name) ?? []).map((ms, at) => (ms - (none[at] ?? 0)) / CALLS);
  const reference = median(added('empty HTTP endpoint'));
  const ofNode = median(added('hook in node'));
  row(`${CALLS} calls, ${ROUNDS} rounds`, ['whole run ms', 'added per call ms', '± (95 %)', '÷ empty', '÷ node']);
  row('---', ['---', '---', '---', '---', '---']);
  for (const [name, all] of took) {
    const more = added(name);
    const cells = [fixed(median(more), 2), fixed(halfInterval(more), 2)];
    const ratios = [fixed(median(more) / reference, 2), fixed(median(more) / ofNode, 2)];
    row(name, [fixed(median(all), 0), ...(name.startsWith('no hooks') ? ['', '', '', ''] : [...cells, ...ratios])]);
  }
};

/** Pss of each process that is a supervisor of these pods, in MB; the private part. */
const privateMbOf = (pid: number): number =>
  Array.from(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8').matchAll(/^Private_\w+:\s+(\d+) kB$/gm)).reduce(
    (sum, [, kb]) => sum + Number(kb) / 1024,
    0,
  );

const crowd = async (): Promise<void> => {
  await using home = await AgentHome.open('claude-code', scriptOf(CALLS_OF_EACH));
  const startedAtMs = performance.now();
  const ids: string[] = [];
  const memories: number[] = [];
  for (let at = 0; at < PODS; at += 1) {
    const started = home.start(['pod', 'start', '-d', 'claude', 'go', '-i', 'model=claude-sonnet-4-5']);
    ids.push((await started.ended).stdout.trim());
  }
  const waiting = home.start(['pod', 'wait', ...ids]).ended;
  const look = setInterval(() => {
    for (const pid of home.supervisors) {
      try {
        memories.push(privateMbOf(pid));
      } catch {
        // it ended meanwhile
      }
    }
  }, 500);
  const { code } = await waiting;
  clearInterval(look);
  const calls = home.channels.filter(({ type }) => type === 'tool_call').length;
  const seconds = (performance.now() - startedAtMs) / 1000;
  console.log(
    `\n${PODS} pods at once, ${CALLS_OF_EACH} calls each: ${calls} of ${PODS * CALLS_OF_EACH} calls on the bus, ` +
      `all ended well: ${code === 0}, ${fixed(seconds, 0)} s; private memory of a supervisor: median ` +
      `${fixed(median(memories), 0)} MB, most ${fixed(Math.max(...memories), 0)} MB.`,
  );
  execFileSync(
    process.execPath,
    [join(import.meta.dirname, '../../bin/nika.cjs'), 'bus', 'verify', '--home', home.dir],
    {
      stdio: 'inherit',
    },
  );
};

console.log(`${machine()}; Claude Code ${cli.version}\n`);
await compare();
await crowd();
