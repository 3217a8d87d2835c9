/**
 * What the programs' sessions share. `node <program>.mjs <step>` plays one step of a session against
 * the hub that the environment names, and prints what came of it as one line of JSON.
 */
import { z } from 'zod';

export const { HUB_URL: hub, HUB_KEY: apiKey, MODEL: model, OTHER: other } = process.env;
export const system = 'Be brief.';
export const question = 'What does a router do?';
export const toolQuestion = 'Please call get_weather for Paris.';
export const finding = '18 degrees and rain';
export const description = 'The weather in a city';
export const schema = {
  type: 'object',
  properties: { city: { type: 'string' } },
  required: ['city'],
  additionalProperties: false,
};

/** What the tool is called with, for helpers that want it so. */
export const place = z.object({ city: z.string() });
/** What a model is to answer with where its answer has a type. */
export const tower = z.object({ name: z.string(), floors: z.number().int() });

/** Run the step that the command line names. */
export async function play(steps) {
  let found;
  try {
    found = await steps[process.argv[2]]();
  } catch (error) {
    found = {
      error: {
        name: error.name,
        kind: error.constructor.name,
        status: error.status ?? error.statusCode,
        message: error.message,
        id: error.requestID ?? null,
      },
    };
  }
  console.log(JSON.stringify(found));
}

/** Everything that a stream yields. */
export async function all(stream) {
  const found = [];
  for await (const one of stream) found.push(one);
  return found;
}
