# Llama 4 Maverick, meta-llama-4-maverick-17b-128e-instruct, on 8 x H200 SXM, for vLLM 0.32.0
# Promised: 430,000 tokens a request, 20.94 such requests at once
# model, meta-llama/Llama-4-Maverick-17B-128E-Instruct: published by Meta, routed experts in BF16:
#   93.53 GiB of weights on a GPU
# Mind quality, beyond 262,144 tokens: the developer's claim of generalization, not training,
#   vouches for quality there [huggingface-llama4-blog]
# Mind independent tests, 68.8 %: NoLiMa at 4K at 4,096 tokens [nolima-results]
# Mind routed experts, FlashInfer TRTLLM, FlashInfer CUTLASS, Triton; Triton first on 9.x: bf16
#   itself asks for 8.0 [vllm-0.32.0]
#
# --tensor-parallel-size: divides 40 query heads and 8 KV heads (TP8) [vllm-0.32.0]
# --max-model-len: as asked for; up to 1,048,576 would fit, and 20.94 requests of this length at
#   once
# --max-num-seqs: 16 requests at once over 1 replicas; buffers grow with it [vllm-0.32.0]
# --max-num-batched-tokens: the engine's default on this GPU, written out so that it stays
#   [vllm-0.32.0]
# --gpu-memory-utilization: 128.62 GiB of 139.80 GiB; the rest is for what comes after
# --kv-cache-dtype: half the bytes of bf16: bf16 does not fit [vllm-llama4-blog]
# --limit-mm-per-prompt: up to 4 images a prompt [vllm-llama4-blog]
# --enable-auto-tool-choice: tool calls are asked for
# --tool-call-parser: Meta's documented form of calls [vllm-tool-calling-docs]
vllm serve meta-llama/Llama-4-Maverick-17B-128E-Instruct \
  --tensor-parallel-size 8 \
  --max-model-len 430000 \
  --max-num-seqs 16 \
  --max-num-batched-tokens 8192 \
  --gpu-memory-utilization 0.92 \
  --kv-cache-dtype fp8 \
  --limit-mm-per-prompt '{"image": 4}' \
  --enable-auto-tool-choice \
  --tool-call-parser llama4_pythonic
