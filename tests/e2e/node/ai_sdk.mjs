// The Vercel AI SDK with each of its providers; the second argument names the one.
import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { generateText, isStepCount, Output, streamText, tool } from 'ai';
import {
  all,
  apiKey,
  description,
  finding,
  hub,
  model,
  other,
  place,
  play,
  question,
  system,
  toolQuestion,
  tower,
} from './session.mjs';

const baseURL = `${hub}/v1`;
const settings = { baseURL, apiKey };
const providers = {
  'openai-responses': createOpenAI(settings).responses,
  'openai-chat': createOpenAI(settings).chat,
  compatible: createOpenAICompatible({
    ...settings,
    name: 'hub',
    includeUsage: true,
    supportsStructuredOutputs: true,
  }),
  anthropic: createAnthropic(settings),
};
const chosen = providers[process.argv[3]];
// What OpenAI stores is not there for another provider: the items themselves are sent.
const providerOptions = { openai: { store: false } };
const options = { model: chosen(model), maxOutputTokens: 1024, maxRetries: 0, providerOptions };
const asked = { ...options, instructions: system, prompt: question };
const calls = [];
const tools = {
  get_weather: tool({
    description,
    inputSchema: place,
    execute: (given) => (calls.push({ name: 'get_weather', given }), finding),
  }),
};
const working = { ...options, prompt: toolQuestion, tools, stopWhen: isStepCount(3) };

const used = (usage) => ({ input: usage.inputTokens, output: usage.outputTokens });

async function streamed(given) {
  const failures = [];
  const result = streamText({ ...given, onError: ({ error }) => failures.push(error) });
  const pieces = (await all(result.fullStream))
    .filter((part) => part.type === 'text-delta')
    .map((part) => part.text);
  if (failures.length) throw failures[0];
  return {
    text: await result.text,
    pieces: pieces.length,
    finish: await result.finishReason,
    ...used(await result.usage),
    calls,
  };
}

await play({
  async question() {
    const { text, finishReason, usage } = await generateText(asked);
    return { text, finish: finishReason, ...used(usage) };
  },
  stream: () => streamed(asked),
  async tool() {
    const { text, steps } = await generateText(working);
    return { text, calls, finish: steps[0].finishReason };
  },
  tool_stream: () => streamed(working),
  async typed() {
    const { output } = await generateText({ ...asked, output: Output.object({ schema: tower }) });
    return { parsed: output };
  },
  async thinking() {
    const providerOptions = {
      openai: {
        store: false,
        reasoningEffort: 'low',
        reasoningSummary: 'auto',
        forceReasoning: true,
      },
      anthropic: { thinking: { type: 'enabled', budgetTokens: 1024 } },
      hub: { reasoningEffort: 'low' },
    };
    const messages = [];
    const answers = [];
    let thoughts = 0;
    for (const who of [model, other, model, other]) {
      messages.push({ role: 'user', content: toolQuestion });
      const { text, steps, responseMessages } = await generateText({
        ...working,
        model: chosen(who),
        prompt: undefined,
        messages,
        maxOutputTokens: undefined,
        providerOptions,
      });
      messages.push(...responseMessages);
      answers.push(text);
      thoughts += steps.flatMap((step) => step.reasoning).length;
    }
    return { answers, thoughts };
  },
  unknown: () => generateText({ ...asked, model: chosen('no-such-model') }),
  failing: () => generateText(asked),
  async retried() {
    return { text: (await generateText({ ...asked, maxRetries: 2 })).text };
  },
  broken: () => streamed(asked),
});
