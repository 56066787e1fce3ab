/** Owns the contracts of Redis, asked over a link. Nothing of it throws; what is not answered, or refused, is `away` (G1). */
import type { EntityId } from '../../model/id.ts';
import type { CallOutcome } from '../../redis/call-outcome.ts';
import type { Keys } from '../../redis/keys.ts';
import type { Link } from '../../redis/link.ts';
import { changeStep, putContract, type StepAnswer, type StepChange } from '../../redis/scripts/contract.lua.ts';
import { runScript } from '../../redis/scripts/script.ts';
import type { Away } from '../working-memory/redis-memory.ts';
import { type StandingContract, tryContract, tryStanding } from './contract.ts';

const WITHIN_MS = 1_000;
const STEP = 'step:';

const away = (outcome: CallOutcome): Away => ({ kind: 'away', why: outcome.kind === 'done' ? '' : outcome.why });

const standingOf = (fields: Readonly<Record<string, string>>): StandingContract | undefined => {
  const { contract: document = '', sha256 = '', ts = '', session_id: session = '' } = fields;
  const contract = tryContract(document);
  if (contract === undefined) return undefined;
  const steps = Object.entries(fields).flatMap(([name, told]) => {
    const standing = name.startsWith(STEP) ? tryStanding(told) : undefined;
    return standing === undefined ? [] : [[name.slice(STEP.length), standing] as const];
  });
  return { contract, sha256, ts: Number(ts), session, steps: new Map(steps) };
};

const fieldsOf = (reply: unknown): Readonly<Record<string, string>> => {
  if (!Array.isArray(reply)) return (reply ?? {}) as Record<string, string>;
  const flat = reply as readonly string[];
  return Object.fromEntries(flat.flatMap((name, at) => (at % 2 === 0 ? [[name, flat[at + 1] ?? '']] : [])));
};

export class RedisContracts {
  readonly #link: Link;
  readonly #keys: Keys;

  constructor(link: Link, keys: Keys) {
    this.#link = link;
    this.#keys = keys;
  }

  async get(job: EntityId): Promise<{ readonly kind: 'done'; readonly found: StandingContract | undefined } | Away> {
    const { name } = this.#keys.contract(job);
    const outcome = await this.#link.call({ name: 'hgetall', args: [name] }, { withinMs: WITHIN_MS });
    return outcome.kind === 'done' ? { kind: 'done', found: standingOf(fieldsOf(outcome.value)) } : away(outcome);
  }

  async put(
    job: EntityId,
    { contract, sha256, ts, session }: StandingContract,
  ): Promise<{ kind: 'put' | 'taken' } | Away> {
    const wish = { sha256, ts, session, contract: JSON.stringify(contract) };
    const outcome = await runScript(this.#link, putContract(this.#keys.contract(job), wish), { withinMs: WITHIN_MS });
    if (outcome.kind !== 'done') return away(outcome);
    return { kind: outcome.value === 'put' ? 'put' : 'taken' };
  }

  async change(job: EntityId, change: StepChange): Promise<StepAnswer | Away> {
    const outcome = await runScript(this.#link, changeStep(this.#keys.contract(job), change), { withinMs: WITHIN_MS });
    return outcome.kind === 'done' ? outcome.value : away(outcome);
  }
}
