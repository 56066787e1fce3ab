/** Owns the tools of working memory: what agents of one job share while they work. */
import { z } from 'zod';
import type { MemoryPlace } from '../../pod/memory/open-memory.ts';
import type { AskMemory } from '../../pod/memory/memory-protocol.ts';
import { clipList } from '../clip.ts';
import { createTool, refused, said, type ToolContext } from '../tool.ts';

export const memoryJob = z.string().optional().describe('JOB-… or root; default yours.');
const artifact = z.string().describe('Its name, such as plan.md');

/** With a way to the memory of the home, or of the pod that the agent runs in. */
export const withMemory = async <T>(
  { caller: { env }, openPlace }: ToolContext,
  work: (ask: AskMemory, maxChars: number) => Promise<T>,
): Promise<T> => {
  const { home, settings } = await openPlace();
  const { openMemory } = await import('../../pod/memory/open-memory.ts');
  const writeNotes: MemoryPlace['writeNotes'] = async (notes) => {
    const { writeOutsideNotes } = await import('../../swarm/session/outside-notes.ts');
    await writeOutsideNotes({ home, settings, env }, notes);
  };
  await using opened = await openMemory({ home, settings, env, client: 'nika mcp', writeNotes });
  return await work(opened.ask, settings.mcp.maxAnswerChars); // else it is closed before the work has begun
};

export const jobField = (job: string | undefined): { readonly job?: string } => (job === undefined ? {} : { job });

export const placeText = (why: string | undefined): string =>
  why === undefined ? '' : ` On this machine alone until Redis is back (${why}).`;

export const memoryPut = createTool({
  name: 'memory_put',
  title: 'Put into working memory',
  description:
    'Puts a text of less than 512 kB under a name for the other pods of the job, while it runs and an hour more.',
  isReadOnly: false,
  input: z.strictObject({
    artifact,
    text: z.string(),
    type: z.string().default('text/plain; charset=utf-8'),
    if_absent: z.boolean().default(false),
    job: memoryJob,
  }),
  call: ({ artifact: name, text, type, if_absent: ifAbsent, job }, context) =>
    withMemory(context, async (ask) => {
      const { refuseTooLarge } = await import('../../pod/memory/memory-api.ts');
      const value = Buffer.from(text);
      refuseTooLarge(name, value.length);
      const condition = ifAbsent ? { if_absent: true } : {};
      const wish = { artifact: name, value: value.toString('base64'), content_type: type };
      const put = await ask('wm_put', { ...wish, ...condition, ...jobField(job) });
      return said(`${name} of ${put.job} has ${put.bytes} bytes, sha256 ${put.sha256}.${placeText(put.why)}`);
    }),
});

export const memoryGet = createTool({
  name: 'memory_get',
  title: 'Get from working memory',
  description: 'Gives an artifact, in parts where it is long.',
  isReadOnly: true,
  input: z.strictObject({
    artifact,
    offset: z.int().min(0).max(524_287).default(0),
    job: memoryJob,
  }),
  call: ({ artifact: name, offset, job }, context) =>
    withMemory(context, async (ask, maxChars) => {
      const got = await ask('wm_get', { artifact: name, ...jobField(job) });
      if (!got.found) return refused(`${got.job} has no artifact ${name}`, 'memory_list tells which there are.');
      const bytes = Buffer.from(got.value, 'base64');
      const text = bytes.toString();
      if (!Buffer.from(text).equals(bytes)) {
        return refused(
          `${name} is no text: ${got.bytes} bytes of ${got.content_type}`,
          `Use "nika wm get ${name} > file".`,
        );
      }
      const part = text.slice(offset, offset + maxChars);
      const end = offset + part.length;
      const rest = end < text.length ? `\n… ${text.length - end} more characters: offset ${end}` : '';
      return said(part + rest);
    }),
});

export const memoryList = createTool({
  name: 'memory_list',
  title: 'What is in working memory',
  description: 'Lists the artifacts of the job.',
  isReadOnly: true,
  input: z.strictObject({ job: memoryJob }),
  call: ({ job }, context) =>
    withMemory(context, async (ask, maxChars) => {
      const { artifacts, job: of } = await ask('wm_list', jobField(job));
      if (artifacts.length === 0) return said(`${of} has no artifacts.`);
      const lines = artifacts.map((one) => `${one.artifact}: ${one.bytes} bytes, ${one.content_type}`);
      return said(clipList({ lines, maxChars, rest: (count) => `… and ${count} more.` }));
    }),
});
