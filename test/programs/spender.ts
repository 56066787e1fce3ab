/**
 * A program in a pod that reports what it is told to use: the list in its argument, then what each message says. A
 * message `call` reports a tool call, `end` ends it.
 */
import { connect, type ReportedUsage } from '../../src/pod/client/client.ts';

await using pod = await connect({ client: 'spender' });
for (const usage of JSON.parse(process.argv[2] ?? '[]') as readonly ReportedUsage[]) await pod.usage(usage);
console.log('spent');
for await (const { text } of pod.messages()) {
  if (text === 'end') break;
  if (text === 'fail') process.exit(1);
  if (text === 'call') await pod.report({ tool: 'work', input: {}, ok: true });
  else await pod.usage(JSON.parse(text) as ReportedUsage);
}
