/** Owns the processes of a benchmark that record tool calls as pods do, and the orders that are given to them. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Answer, Order } from './programs/recording-pod.ts';

export class RecordingPod implements AsyncDisposable {
  readonly dir: string = mkdtempSync(join(tmpdir(), 'nika-bench-'));
  readonly #child: ChildProcess;

  private constructor(url: string | undefined, execArgv: readonly string[]) {
    const args = url === undefined ? [this.dir] : [this.dir, url];
    this.#child = fork(join(import.meta.dirname, 'programs/recording-pod.ts'), args, { execArgv: [...execArgv] });
  }

  /** Resolves when it takes orders; `url`: of Redis, none: it writes the bus alone. */
  static async open(url?: string, execArgv: readonly string[] = ['--expose-gc']): Promise<RecordingPod> {
    const pod = new RecordingPod(url, execArgv);
    await once(pod.#child, 'message');
    return pod;
  }

  /** One order at a time. */
  async do(order: Order): Promise<Answer> {
    const answered = once(this.#child, 'message');
    this.#child.send(order);
    const [answer] = (await answered) as [Answer];
    return answer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.disconnect();
    await ended;
    rmSync(this.dir, { recursive: true, force: true });
  }
}
