# Llama 4 Scout, meta-llama-4-scout-17b-16e-instruct, on 16 x H100 SXM over 2 nodes, for vLLM 0.32.0
# Promised: 1,048,576 tokens a request, max concurrency 4.50 x that
# model, meta-llama/Llama-4-Scout-17B-16E-Instruct: the reason for model, with its rule and its
#   numbers, which may take more than one line of a comment
# Caveat: quality, beyond 262,144 tokens: not trained [llama4-launch-blog]
#
# --tensor-parallel-size: the reason for tensor-parallel-size, with its rule and its numbers, which
#   may take more than one line of a comment [vllm-0.32.0]
# --pipeline-parallel-size: the reason for pipeline-parallel-size, with its rule and its numbers,
#   which may take more than one line of a comment
# --max-model-len: the reason for max-model-len, with its rule and its numbers, which may take more
#   than one line of a comment [vllm-0.32.0]
# --max-num-seqs: the reason for max-num-seqs, with its rule and its numbers, which may take more
#   than one line of a comment
# --max-num-batched-tokens: the reason for max-num-batched-tokens, with its rule and its numbers,
#   which may take more than one line of a comment [vllm-0.32.0]
# --gpu-memory-utilization: the reason for gpu-memory-utilization, with its rule and its numbers,
#   which may take more than one line of a comment
# --limit-mm-per-prompt: the reason for limit-mm-per-prompt, with its rule and its numbers, which
#   may take more than one line of a comment [vllm-0.32.0]
# --nnodes: the reason for nnodes, with its rule and its numbers, which may take more than one line
#   of a comment
#
# HEAD_ADDRESS is the address of node 0, which answers requests
# On node 0:
vllm serve meta-llama/Llama-4-Scout-17B-16E-Instruct \
  --tensor-parallel-size 8 \
  --pipeline-parallel-size 2 \
  --max-model-len 1048576 \
  --max-num-seqs 1024 \
  --max-num-batched-tokens 8192 \
  --gpu-memory-utilization 0.92 \
  --limit-mm-per-prompt '{"image": 0}' \
  --nnodes 2 \
  --node-rank 0 \
  --master-addr "$HEAD_ADDRESS"
# On node 1:
vllm serve meta-llama/Llama-4-Scout-17B-16E-Instruct \
  --tensor-parallel-size 8 \
  --pipeline-parallel-size 2 \
  --max-model-len 1048576 \
  --max-num-seqs 1024 \
  --max-num-batched-tokens 8192 \
  --gpu-memory-utilization 0.92 \
  --limit-mm-per-prompt '{"image": 0}' \
  --nnodes 2 \
  --node-rank 1 \
  --master-addr "$HEAD_ADDRESS" \
  --headless
