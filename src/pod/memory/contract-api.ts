/** Owns contracts as code uses them, inside of pods and in `nika/client`. Light, as `memory-api.ts`. */
import type { AskMemory, MemoryAnswers, WireStep } from './memory-protocol.ts';

export interface ContractOptions {
  /** Whose contract: a `JOB-…`, or `root` for the topmost job. Default: that of the pod's own JOB. */
  readonly job?: string;
  readonly signal?: AbortSignal;
}

/** A contract as it is put: its steps, in the order in which people read them. */
export interface ContractWish {
  readonly name?: string;
  readonly description?: string;
  readonly steps: readonly {
    readonly name: string;
    readonly role: string;
    readonly description?: string;
    /** Steps that are completed before it. */
    readonly needs?: readonly string[];
    /** JSON Schema (2020-12) of what it takes, and of what it gives. */
    readonly inputs?: object | boolean;
    readonly outputs?: object | boolean;
  }[];
}

export type ContractStepView = WireStep;

export interface ContractView {
  readonly job: string;
  readonly name?: string;
  readonly sha256: string;
  readonly steps: readonly ContractStepView[];
}

export interface StepApi {
  /** @throws {NikaError} `NIKA_CONTRACT_STEP` where another pod has it, or what it needs is not done; `NIKA_CONTRACT_INPUT` */
  start(inputs?: unknown, options?: ContractOptions & { readonly takeover?: boolean }): Promise<void>;
  /** Once: the first stands. @throws {NikaError} `NIKA_CONTRACT_OUTPUT` (the step has failed then), `NIKA_CONTRACT_STEP` */
  complete(output?: unknown, options?: ContractOptions): Promise<void>;
  /** @throws {NikaError} `NIKA_CONTRACT_STEP` */
  fail(reason: string, options?: ContractOptions): Promise<void>;
}

export interface ContractApi {
  /** @throws {NikaError} `NIKA_CONTRACT_INVALID`, `NIKA_CONTRACT_TAKEN` */
  put(contract: ContractWish, options?: ContractOptions): Promise<void>;
  /** `undefined`: there is none. */
  get(options?: ContractOptions): Promise<ContractView | undefined>;
  step(name: string): StepApi;
}

const named = ({ job }: ContractOptions): { readonly job?: string } => (job === undefined ? {} : { job });

const viewOf = (got: MemoryAnswers['contract_get']): ContractView | undefined => {
  if (!got.found) return undefined;
  const { job, name, sha256, steps } = got;
  return { job, sha256, steps, ...(name === undefined ? {} : { name }) };
};

export const createContractApi = (ask: AskMemory): ContractApi => ({
  put: async (contract, options = {}) => {
    await ask('contract_put', { contract, ...named(options) }, options.signal);
  },
  get: async (options = {}) => viewOf(await ask('contract_get', named(options), options.signal)),
  step: (step) => ({
    start: async (inputs, options = {}) => {
      const wish = {
        step,
        action: 'start',
        ...named(options),
        ...(options.takeover === true ? { takeover: true } : {}),
      } as const;
      await ask('contract_step', inputs === undefined ? wish : { ...wish, inputs }, options.signal);
    },
    complete: async (output, options = {}) => {
      await ask('contract_step', { step, action: 'complete', output, ...named(options) }, options.signal);
    },
    fail: async (reason, options = {}) => {
      await ask('contract_step', { step, action: 'fail', reason, ...named(options) }, options.signal);
    },
  }),
});
