/** Owns what a job's inputs come to: what was given as `name=value`, typed as declared, and the defaults. Pure. */
import { NikaError } from '../../model/error.ts';
import { unkeptLimit } from './input-limits.ts';
import type { Job, JobInput, JobInputType } from './job.ts';
import { suggestion } from '../yaml/nearest.ts';

export type InputValue = string | number | boolean;
/** Inputs that were neither given nor have a default are not in it. */
export type InputValues = Readonly<Record<string, InputValue>>;

const NUMBER = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;

type Typed = { readonly ok: true; readonly value: InputValue } | { readonly ok: false; readonly wanted: string };

const typed = (text: string, type: JobInputType): Typed => {
  switch (type) {
    case 'string':
      return { ok: true, value: text };
    case 'number': {
      const value = NUMBER.test(text.trim()) ? Number(text) : Number.NaN;
      return Number.isFinite(value) ? { ok: true, value } : { ok: false, wanted: 'a number' };
    }
    case 'boolean':
      return text === 'true' || text === 'false'
        ? { ok: true, value: text === 'true' }
        : { ok: false, wanted: 'true or false' };
  }
};

/** The value that a text is for this input, within its limits. */
const valued = (text: string, declared: JobInput): Typed => {
  const outcome = typed(text, declared.type);
  const wanted = outcome.ok ? unkeptLimit(declared, outcome.value) : undefined;
  return wanted === undefined ? outcome : { ok: false, wanted };
};

/**
 * The values of all inputs, from `name=value` texts and defaults.
 * @throws {NikaError} `NIKA_JOB_BAD_INPUT` with all that is wrong: missing, unknown, given twice, not of its type,
 * not within its limits.
 */
export const resolveInputs = (job: Job, given: readonly string[]): InputValues => {
  const values = new Map<string, InputValue>();
  const told = new Set<string>();
  const problems: string[] = [];
  for (const text of given) {
    const equals = text.indexOf('=');
    const name = equals === -1 ? text : text.slice(0, equals);
    const declared = Object.hasOwn(job.inputs, name) ? job.inputs[name] : undefined;
    if (equals < 1) problems.push(`"${text}": must be name=value`);
    else if (declared === undefined) {
      problems.push(`${name}: unknown input; ${suggestion(name, Object.keys(job.inputs)) || 'this job has none'}`);
    } else if (told.has(name)) problems.push(`${name}: given twice`);
    else {
      const outcome = valued(text.slice(equals + 1), declared);
      if (outcome.ok) values.set(name, outcome.value);
      else problems.push(`${name}: must be ${outcome.wanted}, not ${JSON.stringify(text.slice(equals + 1))}`);
    }
    if (equals > 0) told.add(name);
  }
  for (const [name, declared] of Object.entries(job.inputs)) {
    if (told.has(name)) continue;
    if (declared.default !== undefined) values.set(name, declared.default);
    else if (declared.required) problems.push(`${name}: is missing; give it with --input ${name}=…`);
  }
  if (problems.length === 0) return Object.fromEntries(values);
  const message =
    problems.length === 1 ? problems.join('') : [`${problems.length} mistakes:`, ...problems].join('\n  ');
  throw new NikaError('NIKA_JOB_BAD_INPUT', `inputs of ${job.name}: ${message}`, {
    subject: job.name,
    remedy: `Run "nika job show ${job.name}" to see its inputs.`,
  });
};
