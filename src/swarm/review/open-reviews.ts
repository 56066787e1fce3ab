/** Owns what the command line, the library and agents begin with: the reviews of a home, and how one is decided. */
import type { Home } from '../../config/home.ts';
import { resolveHome } from '../../config/home.ts';
import { loadSettings, type Settings } from '../../config/settings.ts';
import { NikaError } from '../../model/error.ts';
import { type EntityId, entityIdSchema } from '../../model/id.ts';
import { readCurrentRecords } from '../../pod/registry/current-records.ts';
import { resolvePod } from '../../pod/registry/resolve-pod.ts';
import { type Decided, type Decision, decideReview, type DecideOptions } from './decide-review.ts';
import { finishRejected } from './finish-rejected.ts';
import { readReviews, type Review } from './read-reviews.ts';
import { resolveReviewer } from './reviewer.ts';

type Env = Readonly<Record<string, string | undefined>>;

export interface ReviewPlace {
  readonly home: Home;
  readonly settings: Settings;
  /** Of whoever decides. */
  readonly env: Env;
  /** Of the pods that are started again; default: the same. */
  readonly childEnv?: Env;
}

const NEVER = new AbortController().signal;

const optionsOf = ({ home, settings, env, childEnv = env }: ReviewPlace): DecideOptions => ({
  home,
  settings,
  env: childEnv,
  reviewer: resolveReviewer(home, env),
});

/** @throws {NikaError} `NIKA_BUS_UNREADABLE` */
export const listReviews = async (place: ReviewPlace, signal: AbortSignal = NEVER): Promise<readonly Review[]> => {
  const { home, settings } = place;
  await readCurrentRecords({ home, settings }); // closes who died, and tells records what was decided
  await finishRejected(optionsOf(place));
  return readReviews(home, signal);
};

/** What is meant among those that await review; else a pod, or an id as it is. @throws {NikaError} as `resolvePod` */
export const resolveReviewed = async ({ home, settings }: ReviewPlace, text: string): Promise<EntityId> => {
  const { records } = await readCurrentRecords({ home, settings });
  const awaiting = records.filter(({ end }) => end?.status === 'awaiting_review');
  const whole = entityIdSchema.safeParse(text);
  if (whole.success && whole.data.startsWith('JOB-')) return whole.data; // one of another host has no record here
  const named = awaiting.filter(({ job }) => job === text).map(({ entity }) => entity);
  if (new Set(named).size > 1) {
    const which = [...new Set(named)].join(', ');
    const remedy = 'Give an id; "nika review list" shows them.';
    throw new NikaError('NIKA_ENTITY_AMBIGUOUS', `several reviews of "${text}" are open: ${which}`, {
      subject: text,
      remedy,
    });
  }
  for (const among of [awaiting, records]) {
    try {
      return resolvePod(text, among).entity;
    } catch (thrown) {
      if (among === records || !(thrown instanceof NikaError) || thrown.code !== 'NIKA_POD_UNKNOWN') throw thrown;
    }
  }
  throw new TypeError('the loop above ends by itself');
};

/** @throws {NikaError} as `decideReview` */
export const decide = (
  place: ReviewPlace,
  id: EntityId,
  decision: Decision,
  signal: AbortSignal = NEVER,
): Promise<Decided> => decideReview(optionsOf(place), id, decision, signal);

/** For programs: which home, by default as the command line finds it. */
export interface ReviewsOptions {
  readonly home?: string;
  readonly signal?: AbortSignal;
}

const placeOf = ({ home: flag }: ReviewsOptions): ReviewPlace => {
  const { env } = process;
  const home = resolveHome({ flag, env, cwd: process.cwd() });
  return { home, settings: loadSettings(home, env), env };
};

/** The jobs that await review. @throws {NikaError} what is wrong with home, settings or bus */
export const reviews = async (options: ReviewsOptions = {}): Promise<readonly Review[]> =>
  listReviews(placeOf(options), options.signal);

/**
 * Accepts or rejects what a job came to; one that is rejected is done again in the background.
 * @throws {NikaError} `NIKA_REVIEW_NONE`, `NIKA_REVIEW_OWN` …
 */
export const decideJobReview = async (
  job: string,
  decision: Decision,
  options: ReviewsOptions = {},
): Promise<Decided> => {
  const place = placeOf(options);
  return decide(place, await resolveReviewed(place, job), decision, options.signal);
};
