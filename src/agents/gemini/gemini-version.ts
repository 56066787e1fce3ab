/** Owns which version of Gemini CLI it is: none of what it tells says so. */
import { readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { findProgram } from '../../pod/tree/find-program.ts';
import type { AgentWish } from '../adapter.ts';
import { parseFields, wordOf } from '../read-fields.ts';

const PACKAGE = '@google/gemini-cli';

/** `undefined`: it was not installed as a package. */
export const geminiVersion = ({ cwd, env }: AgentWish): string | undefined => {
  const program = findProgram({ file: 'gemini', args: [], cwd, env });
  if (program === undefined) return undefined;
  try {
    for (let at = dirname(realpathSync(program)); at !== dirname(at); at = dirname(at)) {
      const told = parseFields(tryRead(join(at, 'package.json')));
      if (told?.['name'] === PACKAGE) return wordOf(told['version']);
    }
  } catch {
    return undefined; // it is gone meanwhile
  }
  return undefined;
};

const tryRead = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
};
