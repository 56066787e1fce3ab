/** Owns how tests run the real program, in a home and a folder of their own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BusLine, tryParseLine } from '../src/bus/line.ts';

export const binary = join(import.meta.dirname, '../bin/nika.cjs');

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Resolves when the text was printed; rejects when the program ends without. */
  readonly printed: (text: string) => Promise<void>;
}

export class TestHome implements Disposable {
  readonly dir: string = mkdtempSync(join(tmpdir(), 'nika-test-'));
  /** Where commands are called. */
  readonly cwd: string = join(this.dir, 'work');

  constructor() {
    mkdirSync(join(this.dir, 'config/jobs'), { recursive: true });
    mkdirSync(this.cwd);
    writeFileSync(join(this.dir, 'config/nika.yaml'), '');
  }

  /** Writes a job of steps; `steps` is YAML, a list. */
  job(name: string, steps: string, more = ''): void {
    const head = `name: ${name}\ndescription: A job of a test.\ndomain: test\nintent: prove\n`;
    writeFileSync(join(this.dir, 'config/jobs', `${name}.yaml`), `${head}${more}\nsteps:\n${steps}\n`);
  }

  /** `way`: a command that starts it, such as `unshare` with its options. */
  start(args: readonly string[], env: Readonly<Record<string, string>> = {}, way: readonly string[] = []): Running {
    const [program = '', ...rest] = [...way, process.execPath, binary, ...args];
    const child = spawn(program, rest, {
      cwd: this.cwd,
      env: { PATH: process.env['PATH'], HOME: this.dir, NIKA_HOME: this.dir, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return follow(child);
  }

  async nika(...args: readonly string[]): Promise<Ended> {
    return this.start(args).ended;
  }

  lines(file: string): readonly BusLine[] {
    const text = readFileSync(join(this.dir, '_bus', file), 'utf8');
    return text.split('\n').flatMap((line) => tryParseLine(line) ?? []);
  }

  get alpha(): readonly BusLine[] {
    return this.lines('alpha_bus.jsonl');
  }

  /** All lines of all channels. */
  get channels(): readonly BusLine[] {
    return readdirSync(join(this.dir, '_bus/channels')).flatMap((name) => this.lines(`channels/${name}`));
  }

  [Symbol.dispose](): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** What it prints, and how it ends. */
export const follow = (child: ChildProcess): Running => {
  let stdout = '';
  let stderr = '';
  const waiting = new Set<() => void>();
  const wake = (): void => {
    for (const look of waiting) look();
  };
  child.stdout?.on('data', (chunk) => {
    stdout += String(chunk);
    wake();
  });
  child.stderr?.on('data', (chunk) => {
    stderr += String(chunk);
    wake();
  });
  const { promise: ended, resolve } = Promise.withResolvers<Ended>();
  child.once('close', (code, signal) => {
    resolve({ code, signal, stdout, stderr });
    wake();
  });
  const printed = async (text: string): Promise<void> => {
    const { promise, resolve: found, reject } = Promise.withResolvers<void>();
    const look = (): void => {
      if (stdout.includes(text) || stderr.includes(text)) found();
      else if (child.exitCode !== null || child.signalCode !== null)
        reject(new Error(`it ended without ${text}: ${stdout}${stderr}`));
    };
    waiting.add(look);
    look();
    await promise;
    waiting.delete(look);
  };
  return { child, ended, printed };
};
