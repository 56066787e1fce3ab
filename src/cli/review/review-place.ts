/** Owns what commands about reviews begin with. */
import type { ReviewPlace } from '../../swarm/review/open-reviews.ts';
import type { Terminal } from '../terminal.ts';

/** Loads what it takes. @throws {NikaError} what is wrong with home or settings */
export const openReviewPlace = async (flag: string | undefined, { env, cwd }: Terminal) => {
  const [{ resolveHome }, { loadSettings }, { childEnv }, reviews] = await Promise.all([
    import('../../config/home.ts'),
    import('../../config/settings.ts'),
    import('../../mcp/child-env.ts'),
    import('../../swarm/review/open-reviews.ts'),
  ]);
  const home = resolveHome({ flag, env, cwd });
  const place: ReviewPlace = { home, settings: loadSettings(home, env), env, childEnv: childEnv(env) };
  return { place, reviews };
};

export const HOME_FLAG = ['--home <dir>', 'the home: config/, _bus/, logs/, run/'] as const;
