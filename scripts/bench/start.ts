/** From nika's own start to the first tool call, as a whole process: from `dist/`; beside `node -e 0` in the same run. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fixed, machine, percentiles, row } from './figures.ts';

const RUNS = 30;
const nika = join(import.meta.dirname, '../../bin/nika.cjs');
const home = mkdtempSync(join(tmpdir(), 'nika-bench-'));

const untilPrinted = async (args: readonly string[], text: string, input = ''): Promise<number> => {
  const atMs = performance.now();
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(input);
  const exit = once(child, 'exit');
  let seen = '';
  let tookMs = Number.NaN;
  for await (const chunk of child.stdout) {
    seen += String(chunk);
    if (Number.isNaN(tookMs) && seen.includes(text)) tookMs = performance.now() - atMs;
  }
  await exit;
  if (Number.isNaN(tookMs)) throw new Error(`it never printed ${text}: ${seen}`);
  return tookMs;
};

const measure = async (name: string, args: readonly string[], text: string, input?: string): Promise<void> => {
  const samples = new Float64Array(RUNS);
  await untilPrinted(args, text, input); // warm-up: file cache, compile cache
  for (let run = 0; run < RUNS; run += 1) samples[run] = await untilPrinted(args, text, input);
  const { p50, max } = percentiles(samples);
  row(name, [fixed(p50, 0), fixed(max, 0)]);
};

try {
  mkdirSync(join(home, 'config/jobs'), { recursive: true });
  writeFileSync(join(home, 'config/nika.yaml'), '');
  const job =
    'name: one\ndescription: One call.\ndomain: bench\nintent: measure\nsteps: [{ tool: shell, input: { argv: ["true"] } }]\n';
  writeFileSync(join(home, 'config/jobs/one.yaml'), job);
  console.log(`${machine()}; ${RUNS} runs`);
  row('', ['p50 ms', 'max ms']);
  row('---', ['---', '---']);
  await measure(
    'nika pod start, to the first tool call',
    [nika, 'pod', 'start', 'one', '--home', home, '--json'],
    'tool_started',
  );
  const hello = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'bench', version: '1' } };
  const asked = `${JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params: hello })}\n`;
  await measure('nika mcp, to its first answer', [nika, 'mcp', '--home', home], 'serverInfo', asked);
  await measure('nika --version', [nika, '--version'], '.');
  await measure('node -p 0 (reference)', ['-p', '0'], '0');
} finally {
  rmSync(home, { recursive: true });
}
