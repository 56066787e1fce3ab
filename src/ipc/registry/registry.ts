/**
 * Owns who offers which capability: `nika:registry:{capability}` (seed: agent registry, discovery), told every 10 s and
 * forgotten after 60 s without. Which capabilities there are stands in a set of its own: no look at all keys of a server.
 */
import { bestEffort } from '../../failopen/best-effort.ts';
import type { CallOutcome } from '../../redis/call-outcome.ts';
import { type Key, type KeyPart, type Keys, parseKeyPart } from '../../redis/keys.ts';
import type { Link } from '../../redis/link.ts';
import { discoverMembers, type Member, offerMember, withdrawMember } from '../../redis/scripts/registry.lua.ts';
import { runScript, runScripts } from '../../redis/scripts/script.ts';

/** Names of capabilities are lower case: none is called so. */
const ALL = 'ALL';
const EVERY_MS = 10_000;
const SAY_WITHIN_MS = 1_000;
const ASK_WITHIN_MS = 2_000;

export interface Offerer {
  readonly kind: 'worker' | 'pod';
  readonly host: string;
  readonly session: string;
  /** The JOB of a pod. */
  readonly entity?: string;
}

export interface Offer extends Offerer {
  readonly capability: string;
  readonly silentMs: number;
}

const memberOf = ({ kind, host, session, entity = '-' }: Offerer): string => `${kind} ${host} ${session} ${entity}`;

const offerOf = (capability: string, { name, silentMs }: Member): Offer | undefined => {
  const [kind, host, session, entity] = name.split(' ');
  if ((kind !== 'worker' && kind !== 'pod') || host === undefined || session === undefined) return undefined;
  const of = entity === undefined || entity === '-' ? {} : { entity };
  return { capability, kind, host, session, ...of, silentMs };
};

const indexKey = (keys: Keys): Key => keys.registry(parseKeyPart(ALL));
const keyOf = (keys: Keys, capability: string): Key => keys.registry(parseKeyPart(capability));

export interface OfferPlace {
  readonly link: Link;
  readonly keys: Keys;
}

/** Says what is offered, again and again, until it is closed. Nothing waits for it (G1). */
export class StandingOffer implements AsyncDisposable {
  readonly #place: OfferPlace;
  readonly #capabilities: readonly string[];
  readonly #member: string;
  readonly #timer: NodeJS.Timeout;
  readonly #forget: () => void;

  constructor(place: OfferPlace, capabilities: readonly string[], offerer: Offerer) {
    this.#place = place;
    this.#capabilities = capabilities;
    this.#member = memberOf(offerer);
    this.#timer = setInterval(() => this.#saySoon(), EVERY_MS).unref();
    this.#forget = place.link.onStatus(({ kind }) => {
      if (kind === 'ready') this.#saySoon();
    });
    if (place.link.status.kind === 'ready') this.#saySoon();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    this.#forget();
    const { link, keys } = this.#place;
    const calls = this.#capabilities.map((name) => withdrawMember(keyOf(keys, name), this.#member));
    await bestEffort('registry.withdraw', { withinMs: SAY_WITHIN_MS }, (signal) =>
      runScripts(link, calls, { withinMs: SAY_WITHIN_MS }, signal),
    );
  }

  #saySoon(): void {
    const { link, keys } = this.#place;
    const index = this.#capabilities.map((name) => offerMember(indexKey(keys), name));
    const own = this.#capabilities.map((name) => offerMember(keyOf(keys, name), this.#member));
    runScripts(link, [...index, ...own], { withinMs: SAY_WITHIN_MS }).catch(() => undefined); // it does not reject
  }
}

/** Who offers it now. Never rejects. */
export const tryDiscover = async (
  { link, keys }: OfferPlace,
  capability: KeyPart,
): Promise<CallOutcome<readonly Offer[]>> => {
  const outcome = await runScript(link, discoverMembers(keys.registry(capability)), { withinMs: ASK_WITHIN_MS });
  if (outcome.kind !== 'done') return outcome;
  return { kind: 'done', value: outcome.value.flatMap((member) => offerOf(capability, member) ?? []) };
};

/** All that is offered now, by capability. Never rejects. */
export const tryListOffers = async ({ link, keys }: OfferPlace): Promise<CallOutcome<readonly Offer[]>> => {
  const names = await runScript(link, discoverMembers(indexKey(keys)), { withinMs: ASK_WITHIN_MS });
  if (names.kind !== 'done') return names;
  const offers: Offer[] = [];
  for (const { name } of names.value.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const found = await tryDiscover({ link, keys }, parseKeyPart(name));
    if (found.kind !== 'done') return found;
    offers.push(...found.value);
  }
  return { kind: 'done', value: offers };
};
