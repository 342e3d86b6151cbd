# Llama 4 Scout, meta-llama-4-scout-17b-16e-instruct, on 8 x H200 SXM, for vLLM 0.13.0
# Promised: 1,048,576 tokens a request, max concurrency 4.50 x that
# model, meta-llama/Llama-4-Scout-17B-16E-Instruct: the reason for model, with its rule and its
#   numbers, which may take more than one line of a comment
# Caveat: quality, beyond 262,144 tokens: not trained [llama4-launch-blog]
#
# VLLM_ALLOW_CHUNKED_LOCAL_ATTN_WITH_HYBRID_KV_CACHE: the reason for
#   VLLM_ALLOW_CHUNKED_LOCAL_ATTN_WITH_HYBRID_KV_CACHE, with its rule and its numbers, which may take
#   more than one line of a comment [vllm-0.32.0]
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
# --limit-mm-per-prompt: the reason for limit-mm-per-prompt, with its rule and its numbers, which
#   may take more than one line of a comment
VLLM_ALLOW_CHUNKED_LOCAL_ATTN_WITH_HYBRID_KV_CACHE=1 \
vllm serve meta-llama/Llama-4-Scout-17B-16E-Instruct \
  --tensor-parallel-size 8 \
  --max-model-len 1048576 \
  --max-num-seqs 1024 \
  --max-num-batched-tokens 8192 \
  --gpu-memory-utilization 0.9 \
  --limit-mm-per-prompt '{"image": 0}'
