// The `@anthropic-ai/sdk` SDK and its typed helpers.
import Anthropic from '@anthropic-ai/sdk';
import { betaZodTool } from '@anthropic-ai/sdk/helpers/beta/zod';
import { zodOutputFormat } from '@anthropic-ai/sdk/helpers/zod';
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
  schema,
  system,
  toolQuestion,
  tower,
} from './session.mjs';

const client = new Anthropic({ baseURL: hub, apiKey, maxRetries: 0 });
const asked = {
  model,
  max_tokens: 1024,
  system,
  messages: [{ role: 'user', content: question }],
};
const tools = [{ name: 'get_weather', description, input_schema: schema }];

const textOf = (message) =>
  message.content
    .filter((block) => block.type === 'text')
    .map((block) => block.text)
    .join('');
const used = (usage) => ({ input: usage.input_tokens, output: usage.output_tokens });

await play({
  async question() {
    const message = await client.messages.create(asked);
    return { text: textOf(message), finish: message.stop_reason, ...used(message.usage) };
  },

  async stream() {
    const events = await all(await client.messages.create({ ...asked, stream: true }));
    const pieces = events.map((event) => event.delta?.text).filter(Boolean);
    const { delta, usage } = events.findLast((event) => event.type === 'message_delta');
    return {
      text: pieces.join(''),
      pieces: pieces.length,
      finish: delta.stop_reason,
      ...used(usage),
    };
  },

  async helper_stream() {
    let pieces = 0;
    const stream = client.messages.stream(asked).on('text', () => pieces++);
    const message = await stream.finalMessage();
    return { text: textOf(message), pieces, finish: message.stop_reason, ...used(message.usage) };
  },

  async tool() {
    const messages = [{ role: 'user', content: toolQuestion }];
    const first = await client.messages.create({ ...asked, messages, tools });
    const call = first.content.find((block) => block.type === 'tool_use');
    const result = { type: 'tool_result', tool_use_id: call.id, content: finding };
    messages.push(
      { role: 'assistant', content: first.content },
      { role: 'user', content: [result] },
    );
    const second = await client.messages.create({ ...asked, messages, tools });
    return {
      calls: [{ name: call.name, given: call.input }],
      finish: first.stop_reason,
      text: textOf(second),
    };
  },

  async tool_stream() {
    const calls = [];
    const runner = client.beta.messages.toolRunner({
      ...asked,
      stream: true,
      messages: [{ role: 'user', content: toolQuestion }],
      tools: [
        betaZodTool({
          name: 'get_weather',
          description,
          inputSchema: place,
          run: (given) => (calls.push({ name: 'get_weather', given }), finding),
        }),
      ],
    });
    return { text: textOf(await runner.runUntilDone()), calls };
  },

  async typed() {
    const format = zodOutputFormat(tower);
    const message = await client.messages.parse({ ...asked, output_config: { format } });
    return { parsed: message.parsed_output };
  },

  async thinking() {
    const messages = [];
    const answers = [];
    let thoughts = 0;
    const ask = async (who, content) => {
      messages.push({ role: 'user', content });
      const stream = client.messages.stream({
        ...asked,
        model: who,
        messages,
        tools,
        max_tokens: 4096,
        thinking: { type: 'enabled', budget_tokens: 1024 },
      });
      const said = await stream.finalMessage();
      messages.push({ role: 'assistant', content: said.content });
      thoughts += said.content.filter((block) => block.type === 'thinking').length;
      return said;
    };
    for (const who of [model, other, model, other]) {
      const { id } = (await ask(who, toolQuestion)).content.find(
        (block) => block.type === 'tool_use',
      );
      answers.push(
        textOf(await ask(who, [{ type: 'tool_result', tool_use_id: id, content: finding }])),
      );
    }
    return { answers, thoughts };
  },

  async count() {
    const { input_tokens: input } = await client.messages.countTokens({
      model,
      messages: asked.messages,
    });
    const names = (await all(client.models.list({ limit: 2 }))).map((one) => one.id);
    return { input, names };
  },

  unknown: () => client.messages.create({ ...asked, model: 'no-such-model' }),
  wrong: () => client.messages.create({ ...asked, temperature: 'warm' }),
  failing: () => client.messages.create(asked),
  async retried() {
    return { text: textOf(await client.messages.create(asked, { maxRetries: 2 })) };
  },
  async broken() {
    return { pieces: await all(await client.messages.create({ ...asked, stream: true })) };
  },
});
