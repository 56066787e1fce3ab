/** Owns what `nika wm` and `nika contract` begin with: the home, whose memory is meant, and the way to it. */
import type { Command } from 'commander';
import { NikaError } from '../../model/error.ts';
import type { MemoryPlace, OpenedMemory } from '../../pod/memory/open-memory.ts';
import type { Terminal } from '../terminal.ts';

export interface MemoryFlags {
  readonly job?: string;
  readonly json?: true;
  readonly home?: string;
}

export interface MemoryCall extends AsyncDisposable {
  readonly ask: OpenedMemory['ask'];
  /** As it is said on the wire; nothing: the default of whoever is asked. */
  readonly job: { readonly job?: string };
}

/** Not on this bus, or there is none. */
const NOT_HERE: readonly string[] = ['NIKA_BUS_NO_ENTITY', 'NIKA_BUS_UNREADABLE'];
const WHOLE_JOB = /^JOB-[A-Za-z0-9][A-Za-z0-9._-]*$/;

/** A whole id needs not to be on this bus: its pod may run elsewhere. @throws {NikaError} */
const jobOf = async (text: string | undefined, busDir: string): Promise<{ readonly job?: string }> => {
  if (text === undefined) return {};
  if (text === 'root') return { job: text };
  const { resolveEntity } = await import('../bus/resolve-entity.ts');
  try {
    return { job: await resolveEntity(text, busDir) };
  } catch (thrown) {
    const isUnknown = thrown instanceof NikaError && NOT_HERE.includes(thrown.code);
    if (isUnknown && WHOLE_JOB.test(text)) return { job: text };
    throw thrown;
  }
};

/** @throws {NikaError} what is wrong with the home, its settings, or the job that was named */
export const openMemoryCall = async (flags: MemoryFlags, terminal: Terminal): Promise<MemoryCall> => {
  const [{ resolveHome }, { loadSettings }, { openMemory }] = await Promise.all([
    import('../../config/home.ts'),
    import('../../config/settings.ts'),
    import('../../pod/memory/open-memory.ts'),
  ]);
  const { env, cwd } = terminal;
  const home = resolveHome({ flag: flags.home, env, cwd });
  const settings = loadSettings(home, env);
  const job = await jobOf(flags.job, home.busDir);
  const writeNotes: MemoryPlace['writeNotes'] = async (notes) => {
    const { writeOutsideNotes } = await import('../../swarm/session/outside-notes.ts');
    await writeOutsideNotes({ home, settings, env }, notes);
  };
  const opened = await openMemory({ home, settings, env, client: 'nika', writeNotes });
  return { ask: opened.ask, job, [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose]() };
};

/** With the options that all of them have. */
export const withMemoryOptions = (command: Command): Command =>
  command
    .option('--job <id>', 'whose: id of a job, unique prefix, @last, or root; by default what NIKA_ENTITY_ID names')
    .option('--json', 'one JSON object')
    .option('--home <dir>', 'the home: config/, _bus/, logs/, run/');

/** What is on this machine alone is said; a home without Redis has nothing else. */
export const warnOfPlace = (why: string | undefined, terminal: Terminal, what: string): void => {
  if (why !== undefined) terminal.warn(`nika: Redis is away (${why}): ${what}`);
};
