/** Owns which environment variables hold the keys of model providers: agents need them, nobody else does. */

export const PROVIDER_KEYS = [
  'ANTHROPIC_API_KEY',
  'ANTHROPIC_AUTH_TOKEN',
  'CLAUDE_CODE_OAUTH_TOKEN',
  'OPENAI_API_KEY',
  'CODEX_API_KEY',
  'AZURE_OPENAI_API_KEY',
  'GEMINI_API_KEY',
  'GOOGLE_API_KEY',
  'OPENROUTER_API_KEY',
  'GROQ_API_KEY',
  'MISTRAL_API_KEY',
  'DEEPSEEK_API_KEY',
  'XAI_API_KEY',
  'AWS_BEARER_TOKEN_BEDROCK',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
] as const;

type Environment = Readonly<Record<string, string | undefined>>;

/** What is shorter is no key, and would be found in any text. */
const MIN_CHARS = 12;

/** The keys that stand in an environment, for those who must not show them. */
export const providerKeysIn = (env: Environment): readonly string[] =>
  PROVIDER_KEYS.flatMap((name) => {
    const value = env[name]?.trim() ?? '';
    return value.length < MIN_CHARS ? [] : [value];
  });

/** The environment without them. */
export const withoutProviderKeys = <T extends Environment>(env: T): Partial<T> => {
  const names: readonly string[] = PROVIDER_KEYS;
  return Object.fromEntries(Object.entries(env).filter(([name]) => !names.includes(name))) as Partial<T>;
};
