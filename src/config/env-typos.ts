/** Owns variables of the environment that look like a setting of nika and are none: they would be silently without effect. */
const PREFIX = 'NIKA_';
/** What the command of a notification is told. */
const NOTICE = 'NIKA_NOTIFY_';
/** What nika reads besides the settings, or gives to what its pods start. */
const OTHERS: readonly string[] = ['NIKA_HOME', 'NIKA_SESSION_ID', 'NIKA_ENTITY_ID'];

export interface EnvTypo {
  readonly name: string;
  /** What was probably meant. */
  readonly meant: string;
}

/** Variables `NIKA_…` that are near to one that nika knows; all others are somebody else's business. */
export const findEnvTypos = async (env: Readonly<Record<string, string | undefined>>): Promise<readonly EnvTypo[]> => {
  const unknown = Object.keys(env).filter(
    (name) => name.startsWith(PREFIX) && !name.startsWith(NOTICE) && !OTHERS.includes(name),
  );
  if (unknown.length === 0) return []; // nearly always: the settings need not be loaded
  const [{ listSettings }, { settingsSchema }, { nearest }] = await Promise.all([
    import('./init/setting-list.ts'),
    import('./settings.ts'),
    import('./yaml/nearest.ts'),
  ]);
  const known = [...listSettings(settingsSchema).map(({ env: name }) => name), ...OTHERS];
  const bare = new Map(known.map((name) => [name.slice(PREFIX.length), name]));
  return unknown.flatMap((name) => {
    if (known.includes(name)) return [];
    const meant = bare.get(nearest(name.slice(PREFIX.length), [...bare.keys()]) ?? '');
    return meant === undefined ? [] : [{ name, meant }];
  });
};
