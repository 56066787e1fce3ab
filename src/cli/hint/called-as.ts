/** Owns how commands of nika are written where a person is to type them: as nika itself was called. */
import type { Terminal } from '../terminal.ts';

const COMMAND =
  /\bnika (?=(?:pod|run|job|bus|tree|up|down|reconcile|doctor|init|mcp|report|completion|version|memory)\b)/g;

/** `npx nika` where npx started it (then `nika` itself may not be on the PATH), else `nika`. */
export const calledAs = (env: Terminal['env']): string => (env['npm_command'] === 'exec' ? 'npx nika' : 'nika');

/** The text with each command of nika in it as it is to be typed here. */
export const asCalled = ({ env }: Pick<Terminal, 'env'>, text: string): string =>
  text.replaceAll(COMMAND, `${calledAs(env)} `);
