/**
 * Owns the coming and going of nika's hooks in an agent's own configuration.
 *
 * I1. A file is written whole, with its mode, through a link; or not at all.
 * I2. Undone, a file that nobody changed meanwhile is byte for byte what it was; else only what is ours goes.
 */
import {
  chmodSync,
  existsSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import { makeFolder } from '../../failopen/make-folder.ts';
import type { Home } from '../../config/home.ts';
import { bestEffortSync } from '../../failopen/best-effort.ts';
import { errorMessage, NikaError } from '../../model/error.ts';
import { collectorPlace } from '../collector/collector-place.ts';
import { fieldsOf, parseFields, textOf } from '../read-fields.ts';
import { hasEntries, installedEvents, withEntries, withoutEntries } from './edit-json.ts';
import { hookCommand, writeHookScript } from './hook-script.ts';
import type { Installation } from './installation.ts';
import { pluginText } from './plugin-text.ts';

/** What would be, or was, done with a file. */
export interface HookChange {
  readonly file: string;
  /** `undefined`: it is not there. */
  readonly before: string | undefined;
  readonly after: string | undefined;
}

export type InstallState = 'installed' | 'outdated' | 'absent' | 'unreadable';

export interface InstallStatus {
  readonly file: string;
  readonly state: InstallState;
  readonly why?: string;
}

const readText = (file: string): string | undefined => {
  try {
    return readFileSync(file, 'utf8');
  } catch (thrown) {
    if (!existsSync(file)) return undefined;
    throw new NikaError('NIKA_HOOKS_UNREADABLE', `${file} cannot be read: ${errorMessage(thrown)}`, { subject: file });
  }
};

const writeWhole = (file: string, text: string): void => {
  const target = existsSync(file) ? realpathSync(file) : file;
  makeFolder(dirname(target));
  const mode = statSync(target, { throwIfNoEntry: false })?.mode ?? 0o600;
  const part = `${target}.nika-${process.pid}`;
  try {
    writeFileSync(part, text, { mode });
    chmodSync(part, mode & 0o777);
    renameSync(part, target); // I1
  } catch (thrown) {
    rmSync(part, { force: true });
    throw new NikaError('NIKA_HOOKS_UNWRITABLE', `${file} cannot be written: ${errorMessage(thrown)}`, {
      subject: file,
    });
  }
};

/** Where it is kept what a file was before. */
const keptFile = (home: Home, file: string): string =>
  join(collectorPlace(home).dir, 'before', `${createHash('sha256').update(file).digest('hex').slice(0, 16)}.json`);

const keep = (home: Home, { file, before, after }: HookChange): void => {
  bestEffortSync('hooks.keep', () => {
    const path = keptFile(home, file);
    makeFolder(dirname(path), 0o700);
    const earlier = parseFields(readText(path) ?? '');
    // Installed again: what the file was before the first time counts, where nobody else changed it since.
    const first = earlier !== undefined && textOf(earlier['after']) === before ? earlier['before'] : (before ?? null);
    writeFileSync(path, JSON.stringify({ file, before: first, after }), { mode: 0o600 });
  });
};

export const planInstall = (installation: Installation, file: string, home: Home): HookChange => {
  const { form, agent } = installation;
  const before = readText(file);
  const { script } = collectorPlace(home);
  const after =
    form.kind === 'plugin'
      ? pluginText(script)
      : before !== undefined && hasEntries(before, form, file, hookCommand(script, agent))
        ? before
        : withEntries(before, form, file, hookCommand(script, agent));
  return { file, before, after };
};

export const planUninstall = (installation: Installation, file: string, home: Home): HookChange => {
  const { form } = installation;
  const before = readText(file);
  if (before === undefined) return { file, before, after: undefined };
  const kept = fieldsOf(parseFields(bestEffortSync('hooks.keep', () => readText(keptFile(home, file))) ?? ''));
  if (textOf(kept['after']) === before) return { file, before, after: textOf(kept['before']) }; // I2
  if (form.kind === 'plugin') return { file, before, after: undefined };
  return { file, before, after: withoutEntries(before, form, file) };
};

/** @throws {NikaError} `NIKA_HOOKS_UNWRITABLE`: the file is as it was */
export const install = (change: HookChange, home: Home): void => {
  writeHookScript(home);
  if (change.after === undefined || change.after === change.before) return;
  writeWhole(change.file, change.after);
  keep(home, change);
};

/** @throws {NikaError} `NIKA_HOOKS_UNWRITABLE`: the file is as it was */
export const uninstall = ({ file, before, after }: HookChange, home: Home): void => {
  if (after === undefined && before !== undefined) rmSync(file, { force: true });
  else if (after !== undefined && after !== before) writeWhole(file, after);
  bestEffortSync('hooks.keep', () => rmSync(keptFile(home, file), { force: true }));
};

/** Never throws. */
export const installStatus = (installation: Installation, file: string, home: Home): InstallStatus => {
  const { form, agent } = installation;
  try {
    const text = readText(file);
    if (text === undefined) return { file, state: 'absent' };
    const { script } = collectorPlace(home);
    if (form.kind === 'plugin') return { file, state: text === pluginText(script) ? 'installed' : 'outdated' };
    if (installedEvents(text, form, file).length === 0) return { file, state: 'absent' };
    const isWhole = hasEntries(text, form, file, hookCommand(script, agent)) && existsSync(script);
    return { file, state: isWhole ? 'installed' : 'outdated' };
  } catch (thrown) {
    return { file, state: 'unreadable', why: errorMessage(thrown) };
  }
};
