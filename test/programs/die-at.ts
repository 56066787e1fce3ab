/**
 * Loaded into a program before all else (`NODE_OPTIONS=--import`), kills it with SIGKILL at a call of `node:fs`:
 * `DIE_AT="before linkSync /outbox/"`, or `after`. The last part is looked for in the paths that the call is given.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

type Call = (...args: readonly unknown[]) => unknown;

const [, when, name = '', part = ''] = /^(before|after) (\w+) (.+)$/.exec(process.env['DIE_AT'] ?? '') ?? [];
const calls = fs as unknown as Record<string, Call>;
const original = calls[name];

/** Nothing runs behind it: the kernel delivers the signal before the call returns. */
const die = (): void => {
  process.kill(process.pid, 'SIGKILL');
};

if (original !== undefined) {
  calls[name] = (...args) => {
    const isMeant = args.some((arg) => typeof arg === 'string' && arg.includes(part));
    if (isMeant && when === 'before') die();
    const value = original(...args);
    if (isMeant) die();
    return value;
  };
  syncBuiltinESMExports();
}
