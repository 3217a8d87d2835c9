// The `openai` SDK and its typed helpers, over chat completions.
import OpenAI from 'openai';
import { zodFunction, zodResponseFormat } from 'openai/helpers/zod';
import {
  all,
  apiKey,
  description,
  finding,
  hub,
  model,
  place,
  play,
  question,
  schema,
  system,
  toolQuestion,
  tower,
} from './session.mjs';

const client = new OpenAI({ baseURL: `${hub}/v1`, apiKey, maxRetries: 0 });
const asked = [
  { role: 'system', content: system },
  { role: 'user', content: question },
];
const tools = [
  { type: 'function', function: { name: 'get_weather', description, parameters: schema } },
];

const used = (usage) => ({ input: usage?.prompt_tokens, output: usage?.completion_tokens });

await play({
  async question() {
    const {
      choices: [{ message, finish_reason }],
      usage,
    } = await client.chat.completions.create({ model, messages: asked });
    return { text: message.content, finish: finish_reason, ...used(usage) };
  },

  async stream() {
    const stream = await client.chat.completions.create({
      model,
      messages: asked,
      stream: true,
      stream_options: { include_usage: true },
    });
    const chunks = await all(stream);
    const pieces = chunks.map((chunk) => chunk.choices[0]?.delta.content).filter(Boolean);
    return { text: pieces.join(''), pieces: pieces.length, ...used(chunks.at(-1).usage) };
  },

  async helper_stream() {
    const stream = client.chat.completions.stream({
      model,
      messages: asked,
      stream_options: { include_usage: true },
    });
    let pieces = 0;
    stream.on('content', () => pieces++);
    const {
      choices: [{ message, finish_reason }],
      usage,
    } = await stream.finalChatCompletion();
    return { text: message.content, pieces, finish: finish_reason, ...used(usage) };
  },

  async tool() {
    const messages = [{ role: 'user', content: toolQuestion }];
    const first = await client.chat.completions.create({ model, messages, tools });
    const call = first.choices[0].message.tool_calls[0];
    messages.push(first.choices[0].message, {
      role: 'tool',
      tool_call_id: call.id,
      content: finding,
    });
    const second = await client.chat.completions.create({ model, messages, tools });
    const { name, arguments: given } = call.function;
    return {
      calls: [{ name, given: JSON.parse(given) }],
      finish: first.choices[0].finish_reason,
      text: second.choices[0].message.content,
    };
  },

  async tool_stream() {
    const calls = [];
    const runner = client.chat.completions.runTools({
      model,
      stream: true,
      messages: [{ role: 'user', content: toolQuestion }],
      tools: [
        zodFunction({
          name: 'get_weather',
          description,
          parameters: place,
          function: (given) => (calls.push({ name: 'get_weather', given }), finding),
        }),
      ],
    });
    return { text: await runner.finalContent(), calls };
  },

  async typed() {
    const format = zodResponseFormat(tower, 'tower');
    const {
      choices: [{ message }],
    } = await client.chat.completions.parse({ model, messages: asked, response_format: format });
    return { parsed: message.parsed };
  },

  unknown: () => client.chat.completions.create({ model: 'no-such-model', messages: asked }),
  wrong: () => client.chat.completions.create({ model, messages: asked, temperature: 'warm' }),
  failing: () => client.chat.completions.create({ model, messages: asked }),
  async retried() {
    const {
      choices: [{ message }],
    } = await client.chat.completions.create({ model, messages: asked }, { maxRetries: 2 });
    return { text: message.content };
  },
  async broken() {
    return {
      pieces: await all(
        await client.chat.completions.create({ model, messages: asked, stream: true }),
      ),
    };
  },
});
