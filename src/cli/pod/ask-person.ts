/** Owns the question whether a tool call may be made, asked of the person in front of the terminal. */
import { createInterface } from 'node:readline';
import { bestEffortSync } from '../../failopen/best-effort.ts';
import type { PodControl } from '../../pod/pod-control.ts';

/** Yes is `y` or `yes`; all else is no. Where nobody can type, it is left to `nika pod allow` and `deny`. */
export const askPerson = (call: string, control: PodControl | undefined): Disposable => {
  if (control === undefined || !process.stdin.isTTY) {
    return { [Symbol.dispose]: () => undefined };
  }
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  lines.question('    allow it? [y/N] ', (answer) => {
    const allow = /^y(es)?$/i.test(answer.trim());
    bestEffortSync('pod.answer', () => control.answer(call, { allow }));
  });
  lines.on('SIGINT', () => process.kill(process.pid, 'SIGINT')); // readline takes Ctrl-C for itself
  return { [Symbol.dispose]: () => lines.close() };
};
