# Llama 4 Maverick, meta-llama-4-maverick-17b-128e-instruct, on 8 x H200 SXM, for vLLM 0.32.0
# Promised: 430,000 tokens a request, max concurrency 4.50 x that
# model, meta-llama/Llama-4-Maverick-17B-128E-Instruct: the reason for model, with its rule and its
#   numbers, which may take more than one line of a comment
# Caveat: quality, beyond 262,144 tokens: not trained [llama4-launch-blog]
#
# --tensor-parallel-size: the reason for tensor-parallel-size, with its rule and its numbers, which
#   may take more than one line of a comment [vllm-0.32.0]
# --max-model-len: the reason for max-model-len, with its rule and its numbers, which may take more
#   than one line of a comment
# --max-num-seqs: the reason for max-num-seqs, with its rule and its numbers, which may take more
#   than one line of a comment [vllm-0.32.0]
# --max-num-batched-tokens: the reason for max-num-batched-tokens, with its rule and its numbers,
#   which may take more than one line of a comment
# --gpu-memory-utilization: the reason for gpu-memory-utilization, with its rule and its numbers,
#   which may take more than one line of a comment [vllm-0.32.0]
# --kv-cache-dtype: the reason for kv-cache-dtype, with its rule and its numbers, which may take
#   more than one line of a comment
# --limit-mm-per-prompt: the reason for limit-mm-per-prompt, with its rule and its numbers, which
#   may take more than one line of a comment [vllm-0.32.0]
# --enable-auto-tool-choice: the reason for enable-auto-tool-choice, with its rule and its numbers,
#   which may take more than one line of a comment
# --tool-call-parser: the reason for tool-call-parser, with its rule and its numbers, which may take
#   more than one line of a comment [vllm-0.32.0]
# --chat-template: the reason for chat-template, with its rule and its numbers, which may take more
#   than one line of a comment
vllm serve meta-llama/Llama-4-Maverick-17B-128E-Instruct \
  --tensor-parallel-size 8 \
  --max-model-len 430000 \
  --max-num-seqs 16 \
  --max-num-batched-tokens 8192 \
  --gpu-memory-utilization 0.92 \
  --kv-cache-dtype fp8 \
  --limit-mm-per-prompt '{"image": 4}' \
  --enable-auto-tool-choice \
  --tool-call-parser llama4_pythonic \
  --chat-template examples/tool_chat_template_llama4_pythonic.jinja
