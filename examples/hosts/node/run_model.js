// Runs a converted model with onnxruntime-node, through the function bodies that the model carries.
//
//     npm install
//     node run_model.js model.qudnn.onnx 1,3,224,224 input.bin output.bin
//
// input.bin and output.bin are float32 values of the model's only input and of its first output.
import { readFileSync, writeFileSync } from 'node:fs';
import { InferenceSession, Tensor } from 'onnxruntime-node';

const [model, shape, input, output] = process.argv.slice(2);
if (output === undefined) {
  console.error('node run_model.js MODEL SHAPE INPUT OUTPUT');
  process.exit(2);
}
const bytes = readFileSync(input);
const values = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
const session = await InferenceSession.create(model, { executionProviders: ['cpu'] });
const [x] = session.inputNames;
const [y] = session.outputNames;
const results = await session.run({ [x]: new Tensor('float32', values, shape.split(',').map(Number)) });
const { data } = results[y];
writeFileSync(output, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
console.log(`${data.length} values of ${y}`);
