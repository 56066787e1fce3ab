/**
 * Owns `run/import/<agent>.jsonl`: which sessions were imported, and how their files stood then, so that those that have not
 * changed are not read again.
 *
 * I1. It saves work and proves nothing: where it is gone, or says nothing of a session, the bus is asked.
 * I2. A session is noted once all of it is on stable storage.
 */
import { appendFileSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { busPath, channelName } from '../../../bus/layout.ts';
import type { Home } from '../../../config/home.ts';
import { makeFolder } from '../../../failopen/make-folder.ts';
import type { AgentKind } from '../../../model/agent.ts';
import { entityIdSchema, sessionIdSchema } from '../../../model/id.ts';

/** Counts up when more is made of the files than before: then all are read again. */
const FORM = 1;

const noteSchema = z.object({
  form: z.literal(FORM),
  place: z.string(),
  id: z.string(),
  bytes: z.number(),
  changed_at_ms: z.number(),
  /** It was written to so lately that it may not have been over. */
  open: z.boolean(),
  /** null: there was nothing in it. */
  session: z.object({ id: sessionIdSchema, entity: entityIdSchema, started_at_ms: z.number() }).nullable(),
  kin: z.string().nullable(),
});

export type ImportNote = z.infer<typeof noteSchema>;
export type NewNote = Omit<ImportNote, 'form'>;

interface Stand {
  readonly place: string;
  readonly id: string;
  readonly bytes: number;
  readonly changedAtMs: number;
}

const MODE = 0o600;
const DIR_MODE = 0o700;

const keyOf = (place: string, id: string): string => `${place}\n${id}`;

export const importDir = (runDir: string): string => join(runDir, 'import');

export class ImportState {
  readonly #home: Home;
  readonly #path: string;
  readonly #notes = new Map<string, ImportNote>();

  constructor(home: Home, agent: AgentKind) {
    this.#home = home;
    this.#path = join(importDir(home.runDir), `${agent}.jsonl`);
    for (const line of this.#lines()) {
      const note = tryNote(line);
      if (note !== undefined) this.#notes.set(keyOf(note.place, note.id), note);
    }
  }

  /** What was noted of all sessions. */
  get notes(): Iterable<ImportNote> {
    return this.#notes.values();
  }

  /** What was noted of the session, if it is still so, and on the bus (I1). */
  find({ place, id, bytes, changedAtMs }: Stand): ImportNote | undefined {
    const note = this.#notes.get(keyOf(place, id));
    if (note === undefined || note.bytes !== bytes || note.changed_at_ms !== changedAtMs) return undefined;
    if (note.session === null) return note;
    const channel = busPath(this.#home.busDir, channelName(note.session.entity));
    return existsSync(channel) || existsSync(`${channel}.gz`) ? note : undefined;
  }

  /** @throws a system error */
  add(note: NewNote): void {
    const whole: ImportNote = { form: FORM, ...note };
    this.#notes.set(keyOf(note.place, note.id), whole);
    makeFolder(importDir(this.#home.runDir), DIR_MODE);
    appendFileSync(this.#path, `${JSON.stringify(whole)}\n`, { mode: MODE });
  }

  /** Each session once. @throws a system error */
  tidy(): void {
    if (!existsSync(this.#path)) return;
    const text = Array.from(this.#notes.values(), (note) => `${JSON.stringify(note)}\n`).join('');
    writeFileSync(`${this.#path}.new`, text, { mode: MODE });
    renameSync(`${this.#path}.new`, this.#path);
  }

  #lines(): readonly string[] {
    try {
      return readFileSync(this.#path, 'utf8').split('\n');
    } catch {
      return []; // nothing was imported yet, or it cannot be read (I1)
    }
  }
}

const tryNote = (line: string): ImportNote | undefined => {
  try {
    const parsed = noteSchema.safeParse(JSON.parse(line));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined; // torn by a kill (I1)
  }
};
