/** Owns the reading of texts that stand elsewhere than in the settings: in the environment, or in a file. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Frozen } from '../../config/frozen.ts';
import type { TextSource } from '../../config/notify/notify-settings.ts';
import { errnoOf, errorMessage } from '../../model/error.ts';

export interface Place {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The home: what relative paths are of. */
  readonly dir: string;
}

export type ReadText = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly why: string };

/** Line feeds at the end of a file are none of its text. Never throws. */
export const tryReadText = (source: Frozen<TextSource>, { env, dir }: Place): ReadText => {
  if (typeof source === 'string') return { ok: true, text: source };
  if ('env' in source) {
    const text = env[source.env] ?? '';
    return text === '' ? { ok: false, why: `${source.env} is not set in the environment` } : { ok: true, text };
  }
  try {
    const text = readFileSync(resolve(dir, source.file), 'utf8').replace(/[\r\n]+$/, '');
    return text === '' ? { ok: false, why: `${source.file} is empty` } : { ok: true, text };
  } catch (thrown) {
    return { ok: false, why: `${source.file} cannot be read (${errnoOf(thrown) ?? errorMessage(thrown)})` };
  }
};
