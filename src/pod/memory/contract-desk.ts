/**
 * Owns what is asked of contracts in the name of a pod, or of a command: what is refused and why, and the checks by schema,
 * which are made before anything is written.
 */
import {
  clipReason,
  type ContractStep,
  OUTPUT_MAX_BYTES,
  parseContract,
  type StandingContract,
  type StepStanding,
} from '../../ipc/contracts/contract.ts';
import type { Contracts, StepChanged } from '../../ipc/contracts/contracts.ts';
import { NikaError } from '../../model/error.ts';
import type { EntityId } from '../../model/id.ts';
import { placeOf, resolveJob, whyOf, type MemoryHandlers } from './memory-desk.ts';
import type { MemoryAnswers, MemoryOp, MemoryRequest, WireStep } from './memory-protocol.ts';

export interface ContractDeskOptions {
  readonly contracts: Contracts;
  readonly session: string;
  /** Who takes a step: an entity, or a person. */
  readonly entity: string;
  readonly job: EntityId | undefined;
  readonly root: EntityId | undefined;
  readonly note: (text: string, job: EntityId) => void;
}

type ContractOp = Extract<MemoryOp, `contract_${string}`>;
type StepRequest = MemoryRequest<'contract_step'>;

const STATE_AFTER = { start: 'running', complete: 'completed', fail: 'failed' } as const;

const isoOf = (ms: number | undefined): string | undefined =>
  ms === undefined ? undefined : new Date(ms).toISOString();

/** Fields that say nothing are left away. */
const withoutEmpty = <T extends object>(value: T): T =>
  Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined && one !== '')) as T;

const toWire = (
  { name, role, description, needs, inputs, outputs }: ContractStep,
  standing?: StepStanding,
): WireStep => {
  const declared = withoutEmpty({ name, role, description, needs, inputs, outputs });
  if (standing === undefined) return { ...declared, state: 'pending' } as WireStep;
  const { state, entity, session, ts, started_ts: startedMs, inputs: given, output, reason } = standing;
  const stands = { state, entity, session, started: isoOf(startedMs), at: isoOf(ts), given, output, reason };
  return { ...declared, ...withoutEmpty(stands) } as WireStep;
};

const refuseTooLong = (step: string, what: string, value: unknown): void => {
  const bytes = Buffer.byteLength(JSON.stringify(value) ?? '');
  if (bytes <= OUTPUT_MAX_BYTES) return;
  const why = `${what} of ${step} has ${bytes} bytes; ${OUTPUT_MAX_BYTES} are allowed`;
  throw new NikaError('NIKA_CONTRACT_OUTPUT', why, {
    subject: step,
    remedy: 'Put it into working memory ("nika wm put") and give the name of the artifact; the step was not changed.',
  });
};

/** Why a schema of the contract cannot be used. @throws {NikaError} `NIKA_CONTRACT_INVALID` */
const refuseBadSchemas = async (steps: readonly ContractStep[]): Promise<void> => {
  const schemas = steps.flatMap(({ name, inputs, outputs }) => [
    { where: `inputs of the step ${name}`, schema: inputs },
    { where: `outputs of the step ${name}`, schema: outputs },
  ]);
  if (schemas.every(({ schema }) => schema === undefined)) return;
  const { schemaProblem } = await import('../../ipc/contracts/json-schema.ts');
  for (const { where, schema } of schemas) {
    const problem = schema === undefined ? undefined : schemaProblem(schema);
    if (problem !== undefined) throw new NikaError('NIKA_CONTRACT_INVALID', `${where}: ${problem}`);
  }
};

const valueProblemOf = async (schema: ContractStep['outputs'], value: unknown, named: string) => {
  if (schema === undefined) return undefined;
  const { valueProblem } = await import('../../ipc/contracts/json-schema.ts');
  return valueProblem(schema, value ?? null, named);
};

const whoOf = (line: string): string => {
  const [, ms = '0', entity = '', session = ''] = line.split(' ');
  const who = entity === '' ? 'somebody outside of pods' : entity;
  return `${who}${session === '' ? '' : ` (session ${session})`} since ${new Date(Number(ms)).toISOString()}`;
};

/** @throws {NikaError} what keeps the step from being changed so */
const refuseUnlessDone = (changed: StepChanged, { step, action }: Pick<StepRequest, 'step' | 'action'>): void => {
  const refuse = (why: string): never => {
    throw new NikaError('NIKA_CONTRACT_STEP', `the step ${step} cannot be changed (${action}): ${why}`, {
      subject: step,
    });
  };
  switch (changed.kind) {
    case 'done':
      return;
    case 'unavailable':
      throw new NikaError('NIKA_CONTRACT_UNAVAILABLE', `the step ${step} was not changed: ${changed.why}`);
    case 'changed':
      return refuse('the contract is another one by now');
    case 'held':
      return refuse(`it is run by ${whoOf(changed.by)}`);
    case 'over':
      return refuse(`it is ${changed.by.split(' ', 1)[0]} already, by ${whoOf(changed.by)}`);
    case 'needs':
      return refuse(`it needs ${changed.by}, which is not completed`);
  }
};

class ContractDesk {
  readonly #options: ContractDeskOptions;
  #lastTs = 0;

  constructor(options: ContractDeskOptions) {
    this.#options = options;
  }

  async put(request: MemoryRequest<'contract_put'>): Promise<MemoryAnswers['contract_put']> {
    const { contracts, session, note } = this.#options;
    const job = resolveJob(request.job, this.#options);
    const contract = parseContract(request.contract);
    await refuseBadSchemas(contract.steps);
    const put = await contracts.put(job, contract, session);
    if (put.kind === 'unavailable') throw new NikaError('NIKA_CONTRACT_UNAVAILABLE', put.why, { subject: job });
    if (put.kind === 'taken') {
      throw new NikaError('NIKA_CONTRACT_TAKEN', `${job} has another contract, of which steps have begun`, {
        subject: job,
      });
    }
    note(`contract of ${job} put: ${contract.steps.length} steps, sha256 ${put.sha256}`, job);
    return { sha256: put.sha256, ...placeOf(job, put) };
  }

  async get(request: MemoryRequest<'contract_get'>): Promise<MemoryAnswers['contract_get']> {
    const job = resolveJob(request.job, this.#options);
    const { found, why } = await this.#options.contracts.get(job);
    if (found === undefined) return { found: false, job, ...whyOf(why) };
    const { contract, sha256, steps } = found;
    const name = contract.name === undefined ? {} : { name: contract.name };
    const wire = contract.steps.map((step) => toWire(step, steps.get(step.name)));
    return { found: true, job, ...name, sha256, steps: wire, ...whyOf(why) };
  }

  async step(request: StepRequest): Promise<MemoryAnswers['contract_step']> {
    const job = resolveJob(request.job, this.#options);
    const { found, why } = await this.#options.contracts.get(job);
    const step = found?.contract.steps.find(({ name }) => name === request.step);
    if (found === undefined || step === undefined) {
      const told =
        found === undefined ? `${job} has no contract` : `the contract of ${job} has no step ${request.step}`;
      throw new NikaError('NIKA_CONTRACT_NOT_FOUND', told, { subject: request.step });
    }
    refuseTooLong(step.name, 'the output', request.output);
    refuseTooLong(step.name, 'what is given as inputs', request.inputs);
    if (request.action === 'start' && 'inputs' in request) {
      const problem = await valueProblemOf(step.inputs, request.inputs, 'inputs');
      if (problem !== undefined) throw new NikaError('NIKA_CONTRACT_INPUT', `the step ${step.name}: ${problem}`);
    }
    const broken =
      request.action === 'complete' ? await valueProblemOf(step.outputs, request.output, 'output') : undefined;
    const known = { found, why };
    if (broken === undefined) return this.#change(job, known, request);
    await this.#change(job, known, { ...request, action: 'fail', output: undefined, reason: `bad output: ${broken}` });
    throw new NikaError('NIKA_CONTRACT_OUTPUT', `the step ${step.name} has failed: bad output: ${broken}`, {
      subject: step.name,
    });
  }

  async #change(
    job: EntityId,
    { found, why }: { readonly found: StandingContract; readonly why: string | undefined },
    request: StepRequest,
  ): Promise<MemoryAnswers['contract_step']> {
    const { contracts, note } = this.#options;
    const { step, action, takeover = false } = request;
    const standing = this.#standingOf(found.steps.get(step), request);
    const wish = { what: action, step, standing, isTaking: takeover, whyAway: why };
    const changed = await contracts.change(job, found, wish);
    refuseUnlessDone(changed, request);
    const reason = standing.reason === undefined ? '' : `: ${standing.reason}`;
    note(`step ${step} of the contract of ${job}: ${standing.state}${reason}`, job);
    const place = changed.kind === 'unavailable' ? ({ where: 'home', why: changed.why } as const) : changed;
    return { step, state: standing.state, ...placeOf(job, place) };
  }

  #standingOf(was: StepStanding | undefined, { action, inputs, output, reason }: StepRequest): StepStanding {
    const { entity, session } = this.#options;
    const ts = Math.max(Date.now(), this.#lastTs + 1);
    this.#lastTs = ts;
    const before = was?.state === 'running' && was.session === session ? was : undefined;
    const given = action === 'start' ? inputs : before?.inputs;
    const told = action === 'fail' ? clipReason(reason ?? 'no reason was given') : undefined;
    return {
      state: STATE_AFTER[action],
      ts,
      entity,
      session,
      started_ts: action === 'start' ? ts : (before?.started_ts ?? ts),
      ...(given === undefined ? {} : { inputs: given }),
      ...(action === 'complete' && output !== undefined ? { output } : {}),
      ...(told === undefined ? {} : { reason: told }),
    };
  }
}

export const createContractDesk = (options: ContractDeskOptions): Pick<MemoryHandlers, ContractOp> => {
  const desk = new ContractDesk(options);
  return {
    contract_put: (request) => desk.put(request),
    contract_get: (request) => desk.get(request),
    contract_step: (request) => desk.step(request),
  };
};
