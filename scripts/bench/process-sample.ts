/** Owns running a command as a whole process, and what it took: time, processor time and memory. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

export interface Sample {
  readonly ms: number;
  /** 0: not a process of Node. */
  readonly maxRssKb: number;
  /** Of processors; 0: not a process of Node. */
  readonly cpuMs: number;
}

const nika = join(import.meta.dirname, '../../bin/nika.cjs');
const TELL_USED = `process.on('exit',()=>{const u=process.resourceUsage();process.stderr.write('maxRSS='+u.maxRSS+' cpu='+(u.userCPUTime+u.systemCPUTime))})`;

export const nikaCommand = (...args: readonly string[]): readonly string[] => [process.execPath, nika, ...args];

export const nikaBus = (home: string, ...args: readonly string[]): readonly string[] =>
  nikaCommand('bus', ...args, '--home', home);

/** `cpus`: which ones it may use. @throws where it fails; exit code 1 (nothing found) is none. */
export const sample = (command: readonly string[], cpus: string): Sample => {
  const atMs = performance.now();
  const { stderr, status } = spawnSync('taskset', ['-c', cpus, ...command], {
    encoding: 'utf8',
    maxBuffer: 1e9,
    env: { ...process.env, NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(TELL_USED)}` },
  });
  if (status !== 0 && status !== 1) throw new Error(`${command.join(' ')}: exit ${status}: ${stderr.slice(-500)}`);
  const [, maxRssKb = 0, cpuUs = 0] = /maxRSS=(\d+) cpu=(\d+)/.exec(stderr) ?? [];
  return { ms: performance.now() - atMs, maxRssKb: Number(maxRssKb), cpuMs: Number(cpuUs) / 1000 };
};
