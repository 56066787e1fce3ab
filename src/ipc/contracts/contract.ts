/** Owns what a contract is: steps over several pods, each with its role, what it needs, takes and gives, and how it stands. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { NikaError } from '../../model/error.ts';

export const CONTRACT_MAX_BYTES = 64 * 1024;
/** Of a step's inputs, and of its output. */
export const OUTPUT_MAX_BYTES = 32 * 1024;
const MAX_STEPS = 100;
const MAX_REASON_CHARS = 2_000;

const stepName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, { error: 'a name is letters, digits and . _ - (100 at most)' });
const jsonSchema = z.union([z.record(z.string(), z.unknown()), z.boolean()]);

const stepSchema = z.strictObject({
  name: stepName,
  role: z.string().min(1).max(200).describe('Who does it.'),
  description: z.string().max(4_000).optional(),
  needs: z.array(stepName).max(MAX_STEPS).default([]).describe('Steps that are completed before it.'),
  inputs: jsonSchema.optional().describe('JSON Schema (2020-12).'),
  outputs: jsonSchema.optional().describe('JSON Schema (2020-12).'),
});

const contractSchema = z.strictObject({
  name: z.string().min(1).max(200).optional(),
  description: z.string().max(4_000).optional(),
  steps: z.array(stepSchema).min(1).max(MAX_STEPS),
});

export type Contract = z.infer<typeof contractSchema>;
export type ContractStep = Contract['steps'][number];

export const STEP_STATES = ['pending', 'running', 'completed', 'failed'] as const;

const standingSchema = z.object({
  state: z.enum(['running', 'completed', 'failed']),
  ts: z.number(),
  entity: z.string(),
  session: z.string(),
  started_ts: z.number().optional(),
  inputs: z.unknown().optional(),
  output: z.unknown().optional(),
  reason: z.string().optional(),
});

/** How a step stands that has begun. */
export type StepStanding = z.infer<typeof standingSchema>;

/** A contract as it stands: the document, and each step that has begun. */
export interface StandingContract {
  readonly contract: Contract;
  readonly sha256: string;
  readonly ts: number;
  readonly session: string;
  readonly steps: ReadonlyMap<string, StepStanding>;
}

const invalid = (why: string): NikaError => new NikaError('NIKA_CONTRACT_INVALID', why);

/** A step that, over what it needs, needs itself; `undefined`: there is none. */
const findCycle = (steps: readonly ContractStep[]): string | undefined => {
  const done = new Set<string>();
  for (let isMore = true; isMore;) {
    isMore = false;
    for (const { name, needs } of steps) {
      if (done.has(name) || !needs.every((need) => done.has(need))) continue;
      done.add(name);
      isMore = true;
    }
  }
  return steps.find(({ name }) => !done.has(name))?.name;
};

/** @throws {NikaError} `NIKA_CONTRACT_INVALID` */
export const parseContract = (value: unknown): Contract => {
  const parsed = contractSchema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw invalid(`the contract is wrong at ${issue?.path.join('.') || 'its root'}: ${issue?.message ?? ''}`);
  }
  const contract = parsed.data;
  const names = contract.steps.map(({ name }) => name);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) throw invalid(`the step ${twice} stands there twice`);
  for (const { name, needs } of contract.steps) {
    const unknown = needs.find((need) => !names.includes(need));
    if (unknown !== undefined) throw invalid(`the step ${name} needs ${unknown}, and there is no such step`);
  }
  const cycle = findCycle(contract.steps);
  if (cycle !== undefined) throw invalid(`the step ${cycle} can never begin: what it needs needs it too`);
  const bytes = Buffer.byteLength(JSON.stringify(contract));
  if (bytes > CONTRACT_MAX_BYTES) throw invalid(`the contract has ${bytes} bytes; ${CONTRACT_MAX_BYTES} are allowed`);
  return contract;
};

export const hashOf = (contract: Contract): string =>
  createHash('sha256').update(JSON.stringify(contract)).digest('hex');

/** `undefined`: none of ours. */
export const tryContract = (text: string): Contract | undefined => {
  try {
    return contractSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
};

export const tryStanding = (text: string): StepStanding | undefined => {
  try {
    return standingSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
};

export const clipReason = (reason: string): string => reason.slice(0, MAX_REASON_CHARS).toWellFormed();

/** What stands of two: a completed one, else the later. */
export const laterOf = (a: StepStanding | undefined, b: StepStanding | undefined): StepStanding | undefined => {
  if (a === undefined || b === undefined) return a ?? b;
  if (a.state === 'completed' || b.state === 'completed') {
    if (a.state !== b.state) return a.state === 'completed' ? a : b;
    return a.ts <= b.ts ? a : b; // the first stands
  }
  return a.ts >= b.ts ? a : b;
};
