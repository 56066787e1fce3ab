/**
 * Owns what is kept of the results of finished steps: what an expression that is still to come may name (G6).
 *
 * K1. An expression sees what it would see if everything were kept; of an error, its first 8192 characters.
 * K2. A large field goes once the last expression that may name it is passed; one that no later expression may name is
 *     never kept.
 * K3. What is kept always is small, and holds on to nothing larger.
 */
import { referencesOf, type StepResult } from '../../config/expression/evaluate.ts';
import type { Expression } from '../../config/expression/expression.ts';
import type { Job, JobStep } from '../../config/job/job.ts';
import { conditionIn, expressionsIn } from '../../config/expression/template.ts';
import type { ToolResult } from '../tools/tool.ts';

const LARGE_FIELDS = ['output', 'stdout', 'stderr', 'response'] as const satisfies (keyof StepResult)[];
type LargeField = (typeof LARGE_FIELDS)[number];
type Kept = { -readonly [F in keyof StepResult]: StepResult[F] };

/** More than the tools' own errors have; a value that an error quotes can be of any length. */
const MAX_ERROR_CHARS = 8192;

/** A copy: a piece of a string holds on to the whole that it was cut from (K3). */
const ownError = (error: string): string => Buffer.from(error.slice(0, MAX_ERROR_CHARS)).toString();

const textOr = (value: unknown): string | null => (typeof value === 'string' ? value : null);

/** All that a step leaves behind. The fields share their texts with the response: none is there twice. */
const toStepResult = (result: ToolResult): StepResult => {
  const { response } = result;
  const exitCode = response?.['exit_code'];
  return {
    output: result.ok ? result.output : null,
    ok: result.ok,
    exit_code: typeof exitCode === 'number' ? exitCode : null,
    stdout: textOr(response?.['stdout']),
    stderr: textOr(response?.['stderr']),
    response: response ?? null,
    error: result.ok ? null : ownError(result.error),
  };
};

const expressionsOf = (step: JobStep): readonly Expression[] => [
  ...conditionIn(step.if),
  ...expressionsIn([step.timeout, step.input, step.name, step.continue_on_error]),
];

/** By field: place of the last step that may name it, from 0; the outputs come after the last step. */
type Places = Map<LargeField, number>;

class LastMentions {
  readonly #byId = new Map<string, Places>();
  /** Through a key that only the run knows, or all steps at once. */
  readonly #ofAny: Places = new Map();

  constructor(job: Job) {
    for (const [at, step] of job.steps.entries()) this.#add(at, expressionsOf(step));
    this.#add(job.steps.length, expressionsIn(job.outputs));
  }

  /** -1: no expression names it. */
  placeOf(id: string, field: LargeField): number {
    return Math.max(this.#byId.get(id)?.get(field) ?? -1, this.#ofAny.get(field) ?? -1);
  }

  /** Places come in order: a later one takes the place of an earlier one. */
  #add(at: number, expressions: readonly Expression[]): void {
    for (const { path } of expressions.flatMap(referencesOf)) {
      const [root, id, named] = path;
      if (root !== 'steps') continue;
      const places = this.#placesOf(id ?? null);
      for (const field of LARGE_FIELDS) if ((named ?? field) === field) places.set(field, at);
    }
  }

  #placesOf(id: string | number | null): Places {
    if (id === null) return this.#ofAny;
    const places = this.#byId.get(String(id)) ?? new Map<LargeField, number>();
    this.#byId.set(String(id), places);
    return places;
  }
}

export class KeptResults {
  readonly #mentions: LastMentions;
  readonly #byId: Record<string, Kept> = Object.create(null) as Record<string, Kept>;
  /** What goes when the step at a place is passed. */
  readonly #goesAt = new Map<number, { readonly id: string; readonly field: LargeField }[]>();

  constructor(job: Job) {
    this.#mentions = new LastMentions(job);
  }

  /** The `steps` of expressions; it changes as steps come and go. A field that went, or was never kept, is null. */
  get steps(): Readonly<Record<string, StepResult>> {
    return this.#byId;
  }

  /** The step at place `at` has ended. */
  keep(at: number, id: string, result: ToolResult): void {
    const kept: Kept = toStepResult(result);
    for (const field of LARGE_FIELDS) {
      const lastAt = this.#mentions.placeOf(id, field);
      if (lastAt < at) kept[field] = null; // K2
      else this.#letGoAt(lastAt, id, field);
    }
    this.#byId[id] = kept;
  }

  /** No expression of the step at this place is looked at again. Each place is passed once, in order. */
  pass(at: number): void {
    for (const { id, field } of this.#goesAt.get(at) ?? []) {
      const kept = this.#byId[id];
      if (kept !== undefined) kept[field] = null; // K2
    }
    this.#goesAt.delete(at);
  }

  #letGoAt(at: number, id: string, field: LargeField): void {
    const going = this.#goesAt.get(at);
    if (going === undefined) this.#goesAt.set(at, [{ id, field }]);
    else going.push({ id, field });
  }
}
