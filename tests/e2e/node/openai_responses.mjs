// The `openai` SDK and its typed helpers, over responses.
import OpenAI from 'openai';
import { zodTextFormat } from 'openai/helpers/zod';
import {
  all,
  apiKey,
  description,
  finding,
  hub,
  model,
  other,
  play,
  question,
  schema,
  system,
  toolQuestion,
  tower,
} from './session.mjs';

const client = new OpenAI({ baseURL: `${hub}/v1`, apiKey, maxRetries: 0 });
const asked = { model, instructions: system, input: question };
const tools = [
  { type: 'function', name: 'get_weather', description, parameters: schema, strict: true },
];

const used = (usage) => ({ input: usage?.input_tokens, output: usage?.output_tokens });

async function answered(input, first) {
  const call = first.output.find((item) => item.type === 'function_call');
  const result = { type: 'function_call_output', call_id: call.call_id, output: finding };
  // What the helper adds to an item is no part of the protocol.
  const said = first.output.map(({ parsed_arguments, ...item }) => item);
  const second = await client.responses.create({
    model,
    tools,
    store: false,
    input: [...input, ...said, result],
  });
  return {
    calls: [{ name: call.name, given: JSON.parse(call.arguments) }],
    text: second.output_text,
  };
}

await play({
  async question() {
    const response = await client.responses.create(asked);
    return { text: response.output_text, finish: response.status, ...used(response.usage) };
  },

  async stream() {
    const events = await all(await client.responses.create({ ...asked, stream: true }));
    const pieces = events
      .filter((event) => event.type === 'response.output_text.delta')
      .map((event) => event.delta);
    const { type, response } = events.at(-1);
    const numbered = events.every((event, index) => event.sequence_number === index);
    return {
      text: pieces.join(''),
      pieces: pieces.length,
      finish: type,
      numbered,
      ...used(response.usage),
    };
  },

  async helper_stream() {
    const stream = client.responses.stream(asked);
    let pieces = 0;
    stream.on('response.output_text.delta', () => pieces++);
    const response = await stream.finalResponse();
    return { text: response.output_text, pieces, finish: response.status, ...used(response.usage) };
  },

  async tool() {
    const input = [{ role: 'user', content: toolQuestion }];
    return answered(input, await client.responses.create({ model, tools, store: false, input }));
  },

  async tool_stream() {
    const input = [{ role: 'user', content: toolQuestion }];
    const stream = client.responses.stream({ model, tools, store: false, input });
    return answered(input, await stream.finalResponse());
  },

  async typed() {
    const format = zodTextFormat(tower, 'tower');
    const response = await client.responses.parse({ ...asked, text: { format } });
    return { parsed: response.output_parsed };
  },

  async thinking() {
    const input = [];
    const answers = [];
    let thoughts = 0;
    const ask = async (who, item) => {
      input.push(item);
      const request = {
        model: who,
        input,
        tools,
        store: false,
        reasoning: { effort: 'low', summary: 'auto' },
        include: ['reasoning.encrypted_content'],
      };
      const said = await client.responses.create(request);
      input.push(...said.output);
      thoughts += said.output.filter((one) => one.type === 'reasoning').length;
      return said;
    };
    for (const who of [model, other, model, other]) {
      const { call_id } = (await ask(who, { role: 'user', content: toolQuestion })).output.find(
        (one) => one.type === 'function_call',
      );
      answers.push(
        (await ask(who, { type: 'function_call_output', call_id, output: finding })).output_text,
      );
    }
    return { answers, thoughts };
  },

  unknown: () => client.responses.create({ ...asked, model: 'no-such-model' }),
  wrong: () => client.responses.create({ ...asked, temperature: 'warm' }),
  failing: () => client.responses.create(asked),
  async retried() {
    return { text: (await client.responses.create(asked, { maxRetries: 2 })).output_text };
  },
  async broken() {
    const events = await all(await client.responses.create({ ...asked, stream: true }));
    return { ended: events.at(-1).type };
  },
});
