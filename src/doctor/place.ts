/** Owns what a check knows of the place that is looked at. */
import { type Home, type HomeRequest, resolveHome } from '../config/home.ts';
import { loadSettings, type Settings, settingsSchema } from '../config/settings.ts';
import { NikaError } from '../model/error.ts';
import type { Tell } from './finding.ts';

export interface Place {
  readonly request: HomeRequest;
  readonly tell: Tell;
}

/** Tells what it finds. May throw: then that is a finding. */
export type Check = (place: Place) => Promise<void>;

/** `undefined`: there is none, which the check of the home tells. */
export const homeOf = ({ request }: Place): Home | undefined => {
  try {
    return resolveHome(request);
  } catch (thrown) {
    if (thrown instanceof NikaError) return undefined;
    throw thrown;
  }
};

/** `undefined`: they are not valid, which the check of the home tells. */
export const settingsOf = ({ request }: Place, home: Home): Settings | undefined => {
  try {
    return loadSettings(home, request.env);
  } catch (thrown) {
    if (thrown instanceof NikaError) return undefined;
    throw thrown;
  }
};

export const defaultDisk = (): Settings['disk'] => settingsSchema.parse({}).disk;
