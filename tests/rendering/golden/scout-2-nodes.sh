# Llama 4 Scout, meta-llama-4-scout-17b-16e-instruct, on 16 x H100 SXM over 2 nodes, for vLLM 0.32.0
# Promised: 1,048,576 tokens a request, 15.31 such requests at once
# model, meta-llama/Llama-4-Scout-17B-16E-Instruct: published by Meta, routed experts in BF16: 12.55
#   GiB of weights on a GPU of stage 1
# Mind quality, beyond 262,144 tokens: the developer's claim of generalization, not training,
#   vouches for quality there [llama4-launch-blog]
# Mind independent tests, 21.6 %: NoLiMa at 32K at 32,768 tokens [nolima-results]
# Mind host memory, 4.00 GiB: for the token ids of each GPU's process, beside the usual
#   [vllm-0.32.0]
# Mind routed experts, FlashInfer TRTLLM, FlashInfer CUTLASS, Triton; Triton first on 9.x: bf16
#   itself asks for 8.0 [vllm-0.32.0]
# Mind nodes, 2: the link between nodes is not modelled; expect lower speed
#
# --tensor-parallel-size: divides 40 query heads and 8 KV heads (TP8 PP2) [vllm-0.32.0]
# --pipeline-parallel-size: stages of 48 layers, between nodes
# --max-model-len: as asked for; up to 2,392,128 would fit, and 15.31 requests of this length at
#   once
# --max-num-seqs: the engine's default on this GPU, written out so that it stays [vllm-0.32.0]
# --max-num-batched-tokens: the engine's default on this GPU, written out so that it stays
#   [vllm-0.32.0]
# --gpu-memory-utilization: 72.78 GiB of 79.11 GiB; the rest is for what comes after
# --limit-mm-per-prompt: text alone: the vision tower is not built, which leaves its memory to the
#   cache [vllm-0.32.0]
# --nnodes: machines; give each its --node-rank and all the same --master-addr
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
