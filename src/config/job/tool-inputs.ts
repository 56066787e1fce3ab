/**
 * Owns what the six built-in tools take as input: checked when a job is read, and parsed by the tools themselves.
 * Defaults are part of it, so a tool finds every field it counts on.
 */
import { z } from 'zod';
import { bytesSchema, durationTextSchema } from '../quantity.ts';

const GIB = 1024 ** 3;

const path = z
  .string()
  .min(1)
  .max(4096)
  .refine((text) => !text.includes('\0'), { error: 'must not hold a NUL character' });

/** Numbers and switches are what people write in lists of arguments; the program is given text. */
const scalarText = z.union([z.string(), z.number(), z.boolean()], { error: 'must be text' }).transform(String);

const SEARCH_FLAGS = /^[imsuv]*$/;

const oneOrMore = z
  .union([z.array(path).min(1), path], { error: 'must be a pattern such as "**/*.ts", or a list of patterns' })
  .transform((globs): string[] => (Array.isArray(globs) ? globs : [globs]));

const patterns = z
  .union([z.array(path), path], { error: 'must be a pattern such as "**/*.ts", or a list of patterns' })
  .transform((globs): string[] => (Array.isArray(globs) ? globs : [globs]));

const environment = z.record(
  z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, { error: 'must be letters, digits and _' }),
  scalarText,
);

/** Why a pattern is no regular expression with these flags; `undefined`: it is one, or cannot be judged yet. */
const patternProblem = (search: unknown): string | undefined => {
  const { pattern, flags } = (search ?? {}) as { readonly pattern?: unknown; readonly flags?: unknown };
  if (typeof pattern !== 'string') return undefined;
  const isKnown = typeof flags === 'string' && SEARCH_FLAGS.test(flags);
  try {
    return new RegExp(pattern, isKnown ? flags : '') instanceof RegExp ? undefined : '';
  } catch (thrown) {
    return `must be a regular expression (${String(thrown).replace(/^SyntaxError: /, '')})`;
  }
};

const shellSchema = z
  .strictObject({
    argv: z.array(scalarText).min(1).optional().describe('The program and its arguments; no shell in between.'),
    command: z.string().min(1).optional().describe('A command line for sh; values of ${{ … }} are quoted in it.'),
    cwd: path.optional().describe('Folder to run in; default: where the job runs.'),
    env: environment.default({}).describe('Added to the environment.'),
    stdin: z.string().optional().describe('What the program reads from its standard input; default: nothing.'),
    ok_codes: z.array(z.int().min(0).max(255)).min(1).default([0]).describe('Exit codes that count as success.'),
    max_output_bytes: bytesSchema({ min: 0, max: GIB })
      .prefault('1MiB')
      .describe('How much of stdout, and of stderr, is kept.'),
  })
  .refine(({ argv, command }) => (argv === undefined) !== (command === undefined), {
    error: 'must have one of "argv" (a list) and "command" (a command line)',
    when: ({ value }) => typeof value === 'object' && value !== null,
  });

const readFileSchema = z.strictObject({
  path: path.describe('A relative one begins where the job runs.'),
  max_bytes: bytesSchema({ min: 0, max: GIB }).prefault('1MiB').describe('How much of the file is read.'),
  encoding: z.enum(['utf8', 'base64']).default('utf8'),
});

const writeFileSchema = z.strictObject({
  path: path.describe('A relative one begins where the job runs.'),
  content: z
    .unknown()
    .refine((content) => content !== undefined && content !== null, { error: 'is missing; must be text' })
    .transform((content): string => (typeof content === 'string' ? content : `${JSON.stringify(content, null, 2)}\n`))
    .describe('Text; all else is written as JSON.'),
  append: z.boolean().default(false),
  mode: z
    .string({ error: 'must be text in quotes such as "0644"' })
    .regex(/^0?[0-7]{3}$/, { error: 'must be three octal digits such as "0644"' })
    .transform((mode) => Number.parseInt(mode, 8))
    .optional()
    .describe('Permissions of a new file, such as "0644"; default: those of the system.'),
  create_dirs: z.boolean().default(true).describe('Make the folders on the way.'),
});

const listFilesSchema = z.strictObject({
  glob: oneOrMore.describe('Which files: one pattern or a list; ** goes down folders.'),
  cwd: path.optional().describe('Where the patterns begin; default: where the job runs.'),
  ignore: patterns
    .prefault(['**/.git/**', '**/node_modules/**', '**/_bus/**'])
    .describe('Patterns of what is left out.'),
  dot: z.boolean().default(false).describe('Files whose name begins with a dot, too.'),
  limit: z.int().min(1).max(1_000_000).default(10_000).describe('How many at most.'),
});

const searchSchema = z
  .strictObject({
    pattern: z.string().min(1).describe('A regular expression of JavaScript.'),
    flags: z
      .string()
      .regex(SEARCH_FLAGS, { error: 'must be letters out of i, m, s, u, v' })
      .default('')
      .describe('Flags of the expression.'),
    glob: oneOrMore.prefault(['**/*']).describe('Which files are searched.'),
    path: path.optional().describe('The folder, or the one file, that is searched; default: where the job runs.'),
    ignore: patterns
      .prefault(['**/.git/**', '**/node_modules/**', '**/_bus/**'])
      .describe('Patterns of what is left out.'),
    limit: z.int().min(1).max(1_000_000).default(1_000).describe('How many matches at most.'),
    context: z.int().min(0).max(100).default(0).describe('Lines before and after each match.'),
  })
  .refine((search) => patternProblem(search) === undefined, {
    path: ['pattern'],
    error: ({ input }) => patternProblem(input),
    when: ({ value }) => typeof value === 'object' && value !== null,
  });

const isHttpUrl = (text: string): boolean => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);

const httpSchema = z.strictObject({
  method: z.enum(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']).default('GET'),
  url: z.string().refine(isHttpUrl, { error: 'must be an address such as https://example.com/x' }),
  headers: z
    .record(z.string().regex(/^[\w!#$%&'*+.^`|~-]+$/, { error: 'must be the name of a header' }), scalarText)
    .default({}),
  body: z.unknown().optional().describe('Text is sent as it is; all else as JSON.'),
  timeout: durationTextSchema.default('30s').describe('For the whole exchange.'),
  ok_status: z
    .array(z.int().min(100).max(599))
    .min(1)
    .optional()
    .describe('Status codes that count as success; default: 200 to 299.'),
  max_bytes: bytesSchema({ min: 0, max: GIB }).prefault('1MiB').describe('How much of the answer is kept.'),
});

export const TOOL_INPUT_SCHEMAS = {
  shell: shellSchema,
  read_file: readFileSchema,
  write_file: writeFileSchema,
  list_files: listFilesSchema,
  search: searchSchema,
  http: httpSchema,
} as const satisfies Record<string, z.ZodType>;

export type ToolName = keyof typeof TOOL_INPUT_SCHEMAS;
export const TOOL_NAMES = Object.keys(TOOL_INPUT_SCHEMAS) as [ToolName, ...ToolName[]];
export const isToolName = (name: unknown): name is ToolName =>
  typeof name === 'string' && Object.hasOwn(TOOL_INPUT_SCHEMAS, name);

/** What a tool works with: defaults in place, sizes in bytes, `glob` and `ignore` as lists. */
export type ToolInput<T extends ToolName> = z.output<(typeof TOOL_INPUT_SCHEMAS)[T]>;
export type ShellInput = ToolInput<'shell'>;
export type ReadFileInput = ToolInput<'read_file'>;
export type WriteFileInput = ToolInput<'write_file'>;
export type ListFilesInput = ToolInput<'list_files'>;
export type SearchInput = ToolInput<'search'>;
export type HttpInput = ToolInput<'http'>;
